import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Dataset, encodeNames, encodeTruths, onlySegmentEnd, segmentEnd } from '../core/dataset/dataset.ts';
import { groupedSplit } from '../core/dataset/grouped-split.ts';
import { stratifiedSplit } from '../core/dataset/split.ts';
import { loadModel } from '../core/model/open.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { endsSegment, onlyEndsSegment } from '../core/steps/port.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { compare } from './compare.ts';
import { preparationOf, prepareDataset } from './prepare.ts';
import { labelledRows } from './rows.ts';
import { quickOptions } from './testing.ts';
import { train } from './train.ts';

const steps: readonly StepSpec[] = [
  { use: 'window', length: '1s' },
  { use: 'statistics', features: ['mean', 'std'] },
];
const perSecond = 10;

interface Signal {
  readonly device: string;
  readonly truth: string;
  readonly level: number;
}

/** Ten samples a second of each device around its level. */
function samplesOf(signals: readonly Signal[], seconds: number, seed = 1): Dataset {
  const random = mulberry32(seed);
  const rows = signals.flatMap((signal) =>
    Array.from({ length: seconds * perSecond }, (_, at) => ({ ...signal, at, value: signal.level + random() })),
  );
  return {
    file: 'samples.csv',
    fields: ['x'],
    count: rows.length,
    width: 1,
    values: Float64Array.from(rows, ({ value }) => value),
    ...encodeTruths(rows.map(({ truth }) => truth)),
    devices: encodeNames(rows.map(({ device }) => device)),
    times: BigInt64Array.from(rows, ({ at }) => BigInt(at) * 100_000_000n),
    columns: [],
    notes: [],
  };
}

const preparation = preparationOf(steps, ['x']);

test('a table becomes the windows of each device in the order of time, however its rows lie', () => {
  const samples = samplesOf(
    [
      { device: 'a', truth: 'low', level: 0 },
      { device: 'b', truth: 'high', level: 10 },
    ],
    4,
  );
  const made = prepareDataset(samples, preparation);
  // The fourth window of each is open still.
  expect(made.count).toBe(6);
  expect(made.fields).toEqual(['x.mean', 'x.std']);
  expect(made.devices).toEqual({ names: ['a', 'b'], index: Int32Array.of(0, 0, 0, 1, 1, 1) });
  expect(Array.from(made.times)).toEqual([1n, 2n, 3n, 1n, 2n, 3n].map((second) => second * 1_000_000_000n));
  expect(Array.from(made.labels, (label) => made.classes[label])).toEqual([
    'low',
    'low',
    'low',
    'high',
    'high',
    'high',
  ]);
  const first = samples.values.subarray(0, perSecond);
  expect(made.values[0]).toBeCloseTo(first.reduce((sum, value) => sum + value, 0) / perSecond, 12);

  const order = Array.from({ length: samples.count }, (_, row) => (row * 37) % samples.count);
  const pick = <T>(array: { readonly [index: number]: T }) => order.map((row) => array[row] as T);
  const shuffled: Dataset = {
    ...samples,
    values: Float64Array.from(pick(samples.values)),
    labels: Int32Array.from(pick(samples.labels)),
    times: BigInt64Array.from(pick(samples.times ?? [])),
    devices: { names: ['a', 'b'], index: Int32Array.from(pick(samples.devices?.index ?? [])) },
  };
  expect(new Set(order).size).toBe(samples.count);
  const again = prepareDataset(shuffled, preparation);
  expect([...again.values]).toEqual([...made.values]);
  expect(again.times).toEqual(made.times);
});

test('the end of a segment closes a window, as in the line', () => {
  const dataset = samplesOf([{ device: 'a', truth: 'calm', level: 0 }], 1);
  expect(() => prepareDataset(dataset, preparation)).toThrow('the steps make no row');
  const segments = new Uint8Array(dataset.count).fill(0);
  segments[segments.length - 1] = segmentEnd;
  expect(prepareDataset({ ...dataset, segments }, preparation).count).toBe(1);
  expect([segmentEnd, onlySegmentEnd]).toEqual([endsSegment, onlyEndsSegment]);
});

test('a table without times, or too short for a window, says what is missing', () => {
  const samples = samplesOf([{ device: 'a', truth: 'low', level: 0 }], 1);
  const { times: _, ...timeless } = samples;
  expect(() => prepareDataset(timeless, preparation)).toThrow('name its column with data.time');
  expect(() => prepareDataset(samples, preparation)).toThrow('the steps make no row of its 10');
});

const levels = preparationOf(
  [
    { use: 'window', length: '1s' },
    { use: 'statistics', features: ['mean', 'min', 'max'] },
  ],
  ['x'],
);

/** Each device has a level of its own; its label is a coin toss, so that nothing but the device can be learnt. */
function tossed(seed: number): Dataset {
  const random = mulberry32(seed);
  const signals = Array.from({ length: 40 }, (_, device) => ({
    device: `d${device}`,
    truth: random() < 0.5 ? 'heads' : 'tails',
    level: device * 5,
  }));
  return prepareDataset(samplesOf(signals, 12, seed), levels);
}

test('labels that are constant by device but random over devices score no better than chance', async () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const accuracies = { steps: 0, rows: 0 };
  for (const seed of seeds) {
    const dataset = tossed(seed);
    const input = { dataset, candidates: [{ name: 'forest', options: quickOptions }], rates: [0], seed };
    const [apart] = await compare({ ...input, preparation: levels });
    const [leaking] = await compare(input);
    accuracies.steps += (apart?.byRate[0]?.accuracy ?? 1) / seeds.length;
    accuracies.rows += (leaking?.byRate[0]?.accuracy ?? 0) / seeds.length;
  }
  // Split row by row, the same windows look learnt.
  expect(accuracies.rows).toBeGreaterThan(0.95);
  expect(accuracies.steps).toBeLessThan(0.65);
});

test('a version that is trained with steps has them, scores devices that it never saw, and loads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-'));
  try {
    const signals = Array.from({ length: 10 }, (_, device) => ({
      device: `d${device}`,
      truth: device % 2 ? 'low' : 'high',
      level: device % 2 ? 0 : 10,
    }));
    const dataset = prepareDataset(samplesOf(signals, 12), preparation);
    const made = await train({
      dataset,
      preparation,
      options: quickOptions,
      registry: openRegistry({ folder, name: 'motor' }),
    });
    // Of 10 devices 2 are held out, one of each label, with 11 windows each.
    expect(made.metrics).toMatchObject({ on: 'holdout', rows: 22, accuracy: 1 });
    expect(made.metrics.outOfBag).toBeUndefined();
    const model = await loadModel(made.place);
    expect(model.fields).toEqual(['x.mean', 'x.std']);
    expect(model.steps?.channels).toEqual(['x']);
    expect(model.steps?.chain.shape.windows?.lengthNs).toBe(1e9);
    await model.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('with one device of a label the split is by time, and no window of both parts shares a sample', () => {
  const dataset = prepareDataset(
    samplesOf(
      [
        { device: 'a', truth: 'low', level: 0 },
        { device: 'b', truth: 'high', level: 1 },
      ],
      21,
    ),
    preparation,
  );
  const { labels, times } = labelledRows(dataset, dataset.classes);
  const rows = { labels, times, devices: dataset.devices.index, marginNs: 2e9 };
  const split = groupedSplit(rows, { fraction: 0.8, seed: 1 });
  expect(split.by).toBe('time');
  // Of 20 windows each, 4 are for the test and 1 is too close to them.
  expect([split.train.length, split.test.length]).toEqual([30, 8]);
  const timesOf = (part: Int32Array, device: number) =>
    Array.from(part)
      .filter((row) => rows.devices[row] === device)
      .map((row) => Number(times[row]));
  for (const device of [0, 1])
    expect(Math.min(...timesOf(split.test, device)) - Math.max(...timesOf(split.train, device))).toBe(2e9);
  expect(stratifiedSplit({ labels, fraction: 0.8, seed: 1 }).train.length).toBe(32);
});

test('facts gate and join rows as of their time, as in the line', () => {
  const samples = samplesOf([{ device: 'a', truth: 'low', level: 0 }], 4);
  const ns = (seconds: number) => `${seconds}000000000`;
  const fact = (kind: string, from: number, to: number | undefined, values: Record<string, number>) => ({
    ...{ stream: 's', subject: 'a', kind, from: ns(from), values, received: '0' },
    ...(to !== undefined && { to: ns(to) }),
  });
  const facts = [
    fact('on', 1, 3, {}),
    fact('load', 0, undefined, { load: 5 }),
    fact('load', 2, undefined, { load: 7 }),
  ];
  const gated = preparationOf(
    [
      { use: 'gate', during: 'on', lateness: '1h' },
      { use: 'join', fact: 'load', values: ['load'], required: false },
    ],
    ['x'],
  );
  const made = prepareDataset({ ...samples, facts }, gated);
  expect(made.fields).toEqual(['x', 'load']);
  expect(made.count).toBe(20);
  expect(Array.from(made.times.subarray(0, 1))).toEqual([1_000_000_000n]);
  expect(Array.from({ length: 20 }, (_, row) => made.values[row * 2 + 1])).toEqual([
    ...new Array(10).fill(5),
    ...new Array(10).fill(7),
  ]);
  expect(made.skipped).toEqual({ 'no-fact': 20 });
  expect(() => prepareDataset(samples, gated)).toThrow('the steps make no row');
});

test('a table without times is taken where every step looks at one row alone, in its own order', () => {
  const { times: _, devices: __, ...table } = samplesOf([{ device: 'a', truth: 'low', level: 0 }], 3);
  const wide: Dataset = {
    ...table,
    fields: ['a', 'b', 'c'],
    width: 3,
    count: table.count / 3,
    labels: table.labels.slice(10),
  };
  const smooth: StepSpec = { use: 'smooth', time: '100ms', rate: 10 };
  const made = prepareDataset(wide, preparationOf([{ ...smooth, along: 'row' }], wide.fields));
  expect(made.count).toBe(wide.count);
  for (let row = 0; row < made.count; row++) {
    const [given, came] = [made, wide].map(({ values }) => values.subarray(row * 3, row * 3 + 3));
    expect(given?.[0]).toBe(came?.[0]);
    expect(given?.[1]).not.toBe(came?.[1]);
  }
  for (const steps of [
    [{ use: 'smooth', time: '100ms' }],
    [
      { ...smooth, along: 'row' },
      { use: 'lags', lags: [1] },
    ],
  ])
    expect(() => prepareDataset(wide, preparationOf(steps as StepSpec[], wide.fields))).toThrow(/the time of each row/);
});
