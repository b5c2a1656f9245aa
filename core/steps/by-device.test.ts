import { expect, test } from 'vitest';
import { type DeviceStep, openByDevice } from './by-device.ts';
import { InputRows } from './input.ts';
import type { Output } from './output.ts';
import type { StepRows } from './port.ts';
import type { StateReader, StateWriter } from './state.ts';
import { copied, ms, rowsOf, type Sample } from './testing/run.ts';

/** Numbers the rows of each device, and holds the first of each. */
class Numbering implements DeviceStep<{ seen: number }> {
  create = () => ({ seen: 0 });
  fork = ({ seen }: { seen: number }) => ({ seen });
  held = ({ seen }: { seen: number }) => Math.min(1, seen);
  write = ({ seen }: { seen: number }, writer: StateWriter) => writer.number(seen);
  read = (reader: StateReader) => ({ seen: reader.number() });
  run(state: { seen: number }, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; row++) {
      const at = output.copy(rows, row, row + 1);
      output.columns[0]![at] = ++state.seen;
      if (state.seen > 1) output.consumed++;
    }
  }
}

const samplesOf = (devices: string): Sample[] =>
  [...devices].map((device, at) => ({ device, ns: ms(at), values: [0] }));

/** The numbers that rows of these devices get, in batches of a size, and how many held rows were lost. */
function run(devices: string, size: number, maxDevices: number) {
  const session = openByDevice(new Numbering(), { width: 1, maxDevices });
  const input = new InputRows(1);
  const numbers: string[] = [];
  let evicted = 0;
  for (let from = 0; from < devices.length; from += size) {
    const { rows, counts, committed } = session.apply(rowsOf(input, samplesOf(devices.slice(from, from + size))));
    numbers.push(...copied(rows).map((row) => `${row.device}${row.values[0]}`));
    evicted += counts.evicted;
    committed();
  }
  return { numbers: numbers.join(' '), evicted, held: session.held(), state: session.save() };
}

test('devices that were silent longest are forgotten when there are too many, however rows are cut', () => {
  const devices = 'abcadbbaeadcce';
  const whole = run(devices, devices.length, 3);
  expect(whole.numbers).toBe('a1 b1 c1 a2 d1 b1 b2 a3 e1 a4 d1 c1 c2 e1');
  expect(whole.evicted).toBe(6);
  expect(whole.held).toBe(3);
  for (const size of [1, 2, 3, 5]) expect(run(devices, size, 3)).toEqual(whole);
});

test('forgetting is undone with the batch that is not committed', () => {
  const session = openByDevice(new Numbering(), { width: 1, maxDevices: 2 });
  const input = new InputRows(1);
  session.apply(rowsOf(input, samplesOf('ab'))).committed();
  session.apply(rowsOf(input, samplesOf('cd')));
  expect(copied(session.apply(rowsOf(input, samplesOf('ab'))).rows).map((row) => row.values[0])).toEqual([2, 2]);
});
