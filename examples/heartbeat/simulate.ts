// Writes data/train.csv and data/test.csv, a beat a row, and data/beat.json, a request for the gateway. npx node examples/heartbeat/simulate.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from '../arguments.ts';
import { type Beat, beats, fields } from './simulator.ts';

readArguments(
  'npx node examples/heartbeat/simulate.ts\n\nWrites train.csv, test.csv and beat.json of simulated beats into data beside this script.',
  {},
);

const folder = join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });

function write(name: string, rows: readonly Beat[]): void {
  const lines = rows.map(({ kind, values }) => `${values.map((value) => value ?? '').join(',')},${kind}`);
  writeFileSync(join(folder, `${name}.csv`), `${[`${fields.join(',')},label`, ...lines].join('\n')}\n`);
}

write('train', beats(1_500, 1));
write('test', beats(500, 2));
const paced = beats(100, 3).find(({ kind }) => kind === 'paced');
writeFileSync(join(folder, 'beat.json'), JSON.stringify({ rows: [paced?.values] }));
