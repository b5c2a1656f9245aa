import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeNames, encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { InputRows } from '../../core/steps/input.ts';
import { timeOf } from '../../core/steps/time.ts';
import { sampleOffsetNs } from '../../core/wire/sample-offset.ts';
import { prepareDataset } from '../../training/prepare.ts';
import { labelledRows, labelRows } from '../../training/rows.ts';
import simulate, { fields, impactsPerTurn, rate } from './simulator.ts';

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'motor', alias: 'champion' });
const model = await registry.load(1);
const steps = model.steps;
const seconds = 3;
const source = simulate({ seed: 5 });
const startNs = 1_700_000_000_123_456_789n;

/** Samples of every motor, as rows. */
function table() {
  const count = source.devices.length * seconds * rate;
  const values = new Float64Array(count * fields.length);
  const truths: (string | undefined)[] = [];
  const devices: string[] = [];
  for (const [device, name] of source.devices.entries()) {
    const track = source.open(device, 0);
    for (let n = 0; n < seconds * rate; n++) {
      const at = truths.length;
      truths.push(track.next(values.subarray(at * fields.length, (at + 1) * fields.length)));
      devices.push(name);
    }
  }
  const times = BigInt64Array.from(truths, (_, at) => startNs + BigInt(sampleOffsetNs(at % (seconds * rate), rate)));
  const columns = { ...encodeTruths(truths), devices: encodeNames(devices), columns: [], notes: [] };
  return { file: 'simulated', fields, count, width: fields.length, values, times, ...columns };
}

test('the geometry gives the frequencies that the data center states', () => {
  const [outer, inner, ball] = impactsPerTurn;
  expect(outer).toBeCloseTo(3.5848, 3);
  expect(inner).toBeCloseTo(5.4152, 3);
  // A defect of a ball strikes both races in each of its turns: 4.7135.
  expect(2 * (ball ?? 0)).toBeCloseTo(4.7135, 2);
});

test('a motor that is opened anywhere makes the samples that it would have made', () => {
  const [whole, later] = [source.open(3, 0), source.open(3, 2_000)];
  const [a, b] = [new Float64Array(fields.length), new Float64Array(fields.length)];
  for (let n = 0; n < 2_000; n++) whole.next(a);
  for (let n = 0; n < 1_500; n++) {
    expect(later.next(b)).toBe(whole.next(a));
    expect(b).toEqual(a);
  }
});

test('training from a table makes the rows that the line makes of records, bit for bit', () => {
  if (!steps) throw new Error('the model has no steps');
  const dataset = table();
  const made = prepareDataset(dataset, steps);
  const session = steps.chain.open();
  const input = new InputRows(fields.length);
  const rows: string[] = [];
  for (let second = 0; second < seconds; second++) {
    input.begin();
    for (const [device, name] of source.devices.entries()) {
      const first = (device * seconds + second) * rate;
      const columns = fields.map((_, field) =>
        Float64Array.from({ length: rate }, (_, at) => dataset.values[(first + at) * fields.length + field] ?? 0),
      );
      input.addSamples({ device: name, time: timeOf(dataset.times[first] ?? 0n) }, rate, rate, columns);
    }
    const result = session.apply(input.rows());
    for (let row = 0; row < result.rows.count; row++)
      rows.push(result.rows.columns.map((column) => String(column[row])).join());
    result.committed();
  }
  const width = made.width;
  const trained = Array.from({ length: made.count }, (_, row) =>
    Array.from(made.values.subarray(row * width, (row + 1) * width), String).join(),
  );
  expect(made.count).toBe(source.devices.length * seconds);
  expect(rows.sort()).toEqual(trained.sort());
});

test('the model that is in the repository tells motors apart that it never saw', async () => {
  if (!steps) throw new Error('the model has no steps');
  const rows = labelledRows(prepareDataset(table(), steps), model.classes);
  const labels = await labelRows(model.open(), rows);
  const right = labels.filter((label, row) => label === rows.labels[row]).length;
  expect(right / rows.count).toBeGreaterThan(0.9);
});
