import { expect, test } from 'vitest';
import { type Dataset, encodeNames } from '../core/dataset/dataset.ts';
import { replay } from './replay.ts';
import { deviceOrderOf, type Source } from './source.ts';

/** A data set of one field, whose value is the row's number. */
function datasetOf(count: number, extra: Partial<Dataset> = {}): Dataset {
  return {
    file: 'a.csv',
    fields: ['row'],
    count,
    width: 1,
    values: Float64Array.from({ length: count }, (_, row) => row),
    classes: ['even', 'odd'],
    labels: Int32Array.from({ length: count }, (_, row) => row % 2),
    columns: [],
    notes: [],
    ...extra,
  };
}

/** The first readings of the whole stream: who, which row, with which truth. */
function readings(source: Source, count: number) {
  const order = deviceOrderOf(source);
  const values = new Float64Array(1);
  return Array.from({ length: count }, (_, index) => {
    const device = order.deviceOf(index);
    const truth = source.open(device, order.numberOf(index)).next(values);
    return { device: source.devices[device]!, row: values[0]!, truth };
  });
}

const rowsOf = (made: readonly { row: number }[]) => made.map(({ row }) => row);
const upTo = (count: number) => Array.from({ length: count }, (_, row) => row);
const sorted = (rows: readonly number[]) => rows.toSorted((a, b) => a - b);

test('each pass deals every row once, in an order of its own, and devices take turns', () => {
  const source = replay({ dataset: datasetOf(10), devices: 3, seed: 1 });
  const made = readings(source, 30);
  const passes = [0, 10, 20].map((from) => rowsOf(made.slice(from, from + 10)));
  for (const pass of passes) expect(sorted(pass)).toEqual(upTo(10));
  expect(new Set(passes.map(String)).size).toBe(3);
  expect(made.slice(0, 4).map(({ device }) => device)).toEqual(['device-1', 'device-2', 'device-3', 'device-1']);
  for (const { row, truth } of made) expect(truth).toBe(row % 2 ? 'odd' : 'even');
  expect(source.length).toBe(10);
});

test('the order is decided by the seed', () => {
  const orderOf = (seed: number) => rowsOf(readings(replay({ dataset: datasetOf(50), devices: 2, seed }), 50));
  expect(orderOf(1)).toEqual(orderOf(1));
  expect(orderOf(1)).not.toEqual(orderOf(2));
});

test('a track continues from any reading as if it had begun at the first', () => {
  for (const dataset of [datasetOf(7), datasetOf(7, { devices: encodeNames(['a', 'b', 'a', 'a', 'b', 'c', 'a']) })]) {
    const source = replay({ dataset, devices: 3, seed: 1 });
    const values = new Float64Array(1);
    const next = (track: { next(values: Float64Array): unknown }) => {
      track.next(values);
      return values[0];
    };
    const whole = source.open(0, 0);
    const rows = upTo(20).map(() => next(whole));
    const part = source.open(0, 12);
    expect(upTo(8).map(() => next(part))).toEqual(rows.slice(12));
  }
});

test('devices of the data set keep their rows, in the order of the file', () => {
  const devices = ['a', 'b', 'a', 'c'];
  const source = replay({ dataset: datasetOf(4, { devices: encodeNames(devices) }), devices: 99, seed: 1 });
  const made = readings(source, 8);
  expect(rowsOf(made)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  expect(made.map(({ device }) => device)).toEqual([...devices, ...devices]);
});

test('a time column gives the order and the pauses, in proportion, with no two readings at once', () => {
  const times = BigInt64Array.from(
    [30, 0, 0, 60],
    (seconds) => 1_767_225_600_000_000_000n + BigInt(seconds) * 1_000_000_000n,
  );
  const source = replay({ dataset: datasetOf(4, { times }), devices: 2, seed: 1 });
  expect(rowsOf(readings(source, 8))).toEqual([1, 2, 0, 3, 1, 2, 0, 3]);
  const steps = upTo(8).map((index) => source.step!(index));
  expect(steps).toEqual([0, 0.01, 1.5, 3, 4, 4.01, 5.5, 7]);
});

test('values of a field are sorted, without gaps', () => {
  const source = replay({
    dataset: datasetOf(4, { values: Float64Array.of(3, Number.NaN, -1, 2) }),
    devices: 1,
    seed: 1,
  });
  expect([...source.distribution(0)]).toEqual([-1, 2, 3]);
});

test('the fingerprint tells other data apart', () => {
  const of = (extra: Partial<Dataset>, devices = 2) =>
    replay({ dataset: datasetOf(4, extra), devices, seed: 1 }).fingerprint;
  const prints = [of({}), of({ fields: ['x'] }), of({ values: Float64Array.of(1, 1, 2, 3) }), of({}, 3)];
  expect(new Set(prints).size).toBe(4);
  expect(of({})).toBe(prints[0]);
});

test('order and indexes belong together', () => {
  const { deviceOf, numberOf, indexOf } = deviceOrderOf({
    devices: ['a', 'b', 'c'],
    round: Int32Array.of(0, 1, 0, 2, 0),
  });
  expect(upTo(7).map((index) => [deviceOf(index), numberOf(index)])).toEqual([
    [0, 0],
    [1, 0],
    [0, 1],
    [2, 0],
    [0, 2],
    [0, 3],
    [1, 1],
  ]);
  for (const index of upTo(50)) expect(indexOf(deviceOf(index), numberOf(index))).toBe(index);
});
