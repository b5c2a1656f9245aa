// Writes the data: data/train.csv and data/test.csv, samples at 125 Hz, and data/segments.csv and data/segments-test.csv, a whole
// segment of 2,000 samples a row behind a row number without a name. npx node examples/ppg/simulate.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Track } from '../../generator/source.ts';
import { readArguments } from '../arguments.ts';
import simulate, { rate } from './simulator.ts';

readArguments(
  'npx node examples/ppg/simulate.ts\n\nWrites train.csv, test.csv, segments.csv and segments-test.csv of simulated people into data beside this script.',
  {},
);

const startMs = Date.UTC(2026, 0, 1);
const seconds = 40;
const segment = 2_000;
const folder = join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });

/** Other seeds are other people: what is scored was never learnt from. */
const train = [101, 102, 103, 104, 105, 106];
const test = [201, 202, 203];
/** Of whole segments the people of both are learnt from. */
const testOfSegments = [301, 302, 303];

const tracks = (seeds: readonly number[]): { person: string; track: Track }[] =>
  seeds.flatMap((seed) => {
    const source = simulate({ seed });
    return source.devices.map((name, device) => ({ person: `${seed} ${name}`, track: source.open(device, 0) }));
  });

for (const [name, seeds] of Object.entries({ train, test })) {
  const value = new Float64Array(1);
  const lines = tracks(seeds).flatMap(({ person, track }) =>
    Array.from({ length: seconds * rate }, (_, at) => {
      const kind = track.next(value);
      return `${person},${new Date(startMs + at * (1_000 / rate)).toISOString()},${value[0]},${kind}\n`;
    }),
  );
  writeFileSync(join(folder, `${name}.csv`), `patient,time,ppg,rhythm\n${lines.join('')}`);
}

const header = ['', ...Array.from({ length: segment }, (_, at) => `sample${at}`), 'Label'];
for (const [name, seeds] of Object.entries({ segments: [...train, ...test], 'segments-test': testOfSegments })) {
  const value = new Float64Array(1);
  const lines = tracks(seeds).map(({ track }, row) => {
    let kind: string | undefined;
    const cells = Array.from({ length: segment }, () => {
      kind = track.next(value);
      return value[0];
    });
    return `${row},${cells.join(',')},${kind}\n`;
  });
  writeFileSync(join(folder, `${name}.csv`), `${header.join(',')}\n${lines.join('')}`);
}
