// Writes data/train.csv and data/test.csv: samples of motors at eight ages each. npx node examples/motor/simulate.ts
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from '../arguments.ts';
import simulate, { fields, rate } from './simulator.ts';

readArguments(
  'npx node examples/motor/simulate.ts\n\nWrites train.csv and test.csv of simulated motors into data beside this script, 65 MB each.',
  {},
);

const startMs = Date.UTC(2026, 0, 1);
const [ages, everySeconds, seconds] = [8, 229, 6];
const folder = join(import.meta.dirname, 'data');
mkdirSync(folder, { recursive: true });

/** Other seeds are other motors: what is scored was never learnt from. */
for (const [name, seed] of [
  ['train', 101],
  ['test', 102],
] as const) {
  const source = simulate({ seed });
  const file = openSync(join(folder, `${name}.csv`), 'w');
  writeSync(file, `motor,time,${fields.join(',')},health\n`);
  const values = new Float64Array(fields.length);
  for (const [device, motor] of source.devices.entries())
    for (let age = 0; age < ages; age++) {
      const first = age * everySeconds * rate;
      const track = source.open(device, first);
      let lines = '';
      for (let at = first; at < first + seconds * rate; at++) {
        const health = track.next(values);
        const cells = Array.from(values, (value) => (Number.isNaN(value) ? '' : value));
        lines += `${motor},${new Date(startMs + at).toISOString()},${cells.join(',')},${health}\n`;
      }
      writeSync(file, lines);
    }
  closeSync(file);
}
