// Writes the training data, a beat a row: data/train.csv and data/test.csv. npx node examples/ecg/simulate.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from '../arguments.ts';
import simulate, { fields } from './simulator.ts';

readArguments(
  'npx node examples/ecg/simulate.ts\n\nWrites train.csv and test.csv of simulated patients into data beside this script, a beat a row.',
  {},
);

const startMs = Date.UTC(2026, 0, 1);
const beats = 12;
const folder = join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });

const seeds = (first: number, count: number) => Array.from({ length: count }, (_, at) => first + at);
/** Other seeds are other people: what is scored was never learnt from. */
const parts = { train: seeds(101, 10), test: seeds(201, 3) };

for (const [name, numbers] of Object.entries(parts)) {
  const values = new Float64Array(fields.length);
  const lines = numbers.flatMap((seed) => {
    const source = simulate({ seed });
    return source.devices.flatMap((device, at) => {
      const track = source.open(at, 0);
      return Array.from({ length: beats }, (_, beat) => {
        const kind = track.next(values);
        return `${seed} ${device},${new Date(startMs + beat * 2_000).toISOString()},${values.join(',')},${kind}\n`;
      });
    });
  });
  writeFileSync(join(folder, `${name}.csv`), `patient,time,${fields.join(',')},diagnosis\n${lines.join('')}`);
}
