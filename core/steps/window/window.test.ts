import { expect, test } from 'vitest';
import { buildChain } from '../chain.ts';
import { InputRows } from '../input.ts';
import { endsSegment, onlyEndsSegment } from '../port.ts';
import type { StepSpec } from '../registry.ts';
import { copied, ms, runAll, type Sample } from '../testing/run.ts';

const at = (milliseconds: number, value = milliseconds, more: Partial<Sample> = {}): Sample => ({
  device: 'a',
  ns: ms(milliseconds),
  values: [value],
  ...more,
});
const run = (params: object, samples: readonly Sample[]) =>
  runAll([{ use: 'window', length: '1s', ...params } as StepSpec, { use: 'lags', lags: [0] }], ['x'], samples);
const inMs = (ns: string) => Number(ns) / 1e6;
/** End, samples and the last value of each window. */
const windows = ({ rows }: ReturnType<typeof run>) =>
  rows.map((row) => [inMs(row.ns), row.window!.samples, row.values[0]]);

test('a window is [start, end), aligned to the epoch, and closes when event time passes its end', () => {
  const given = run({}, [at(-500), at(999), at(0), at(1_000), at(1_999), at(2_000), at(7_300), at(7_300.5)]);
  expect(windows(given)).toEqual([
    [0, 1, -500],
    [1_000, 2, 999],
    [2_000, 2, 1_999],
    [3_000, 1, 2_000],
  ]);
  expect(given.rows.map((row) => [inMs(row.window!.from), row.input])).toEqual([
    [-1_000, 1],
    [0, 3],
    [1_000, 5],
    [2_000, 6],
  ]);
  expect(given.held).toEqual([0, 2, 0]);
});

test('hopping windows overlap, and a sample is consumed when the last of its windows has closed', () => {
  const given = run({ length: '1s', every: '400ms' }, [at(900), at(1_300), at(2_000)]);
  expect(given.rows.map((row) => [inMs(row.window!.from), inMs(row.ns), row.window!.samples])).toEqual([
    [0, 1_000, 1],
    [400, 1_400, 2],
    [800, 1_800, 2],
  ]);
  expect(given.held).toEqual([0, 2, 0]);
  expect(run({ length: '1s', every: '400ms' }, [at(900), at(1_300), at(2_000), at(2_200)]).held).toEqual([0, 2, 0]);
});

test('a length that is no divisor of a second is aligned to the epoch too', () => {
  const given = run({ length: '700ms' }, [at(1_500), at(9_000)]);
  expect(given.rows.map((row) => [inMs(row.window!.from), inMs(row.ns)])).toEqual([[1_400, 2_100]]);
});

test('within grace samples come in any order and duplicates count once; then they are late', () => {
  const grace = { grace: '500ms' };
  const given = run(grace, [at(800), at(1_400), at(300), at(800, 7), at(1_500), at(999), at(2_600)]);
  expect(windows(given)).toEqual([
    [1_000, 2, 7],
    [2_000, 2, 1_500],
  ]);
  expect(given.skips).toEqual(['window late a 999000000 5']);
  expect(given.counts[1]).toMatchObject({ consumed: 4, duplicates: 1, skipped: 1 });
});

test('a record that says that its segment is whole closes the windows; what comes for them later is late', () => {
  const whole = run({ grace: '10s' }, [at(500), at(1_200, 1, { segment: endsSegment }), at(1_300), at(2_100)]);
  expect(windows(whole)).toEqual([
    [1_000, 1, 500],
    [2_000, 1, 1],
  ]);
  expect(whole.skips).toEqual(['window late a 1300000000 2']);
  // Sent twice, it comes behind samples of the next segment, which it must not end.
  const twice = run({}, [
    at(500, 1, { segment: endsSegment }),
    at(1_100),
    at(1_200),
    at(500, 1, { segment: endsSegment }),
  ]);
  expect(windows(twice)).toEqual([[1_000, 1, 1]]);
  expect(twice.held).toEqual([0, 2, 0]);
  const only = run({}, [at(500), at(600, Number.NaN, { segment: onlyEndsSegment })]);
  expect(windows(only)).toEqual([[1_000, 1, 500]]);
  expect(only.counts[1]).toMatchObject({ consumed: 2, skipped: 0 });
});

test('what is missing is counted: gaps, and with a rate samples that never came', () => {
  const samples = [at(0), at(100, Number.NaN), at(200), at(1_000)];
  expect(run({}, samples).rows[0]!.window).toEqual({ from: '0', samples: 3, missing: 1 });
  expect(run({ rate: 10 }, samples).rows[0]!.window).toEqual({ from: '0', samples: 3, missing: 8 });
});

test('what an array lacks at its end is not missing, through every step, and after a restart', () => {
  // Rows of nothing but gaps do not leave `resample`: there more samples never came.
  const before: readonly (readonly [number, StepSpec[]])[] = [
    [62, []],
    [62, [{ use: 'filter', band: 'lowpass', high: 10, rate: 100, order: 2 }]],
    [63, [{ use: 'resample', rate: 100, maxGap: '50ms' }]],
  ];
  const x = Array.from({ length: 100 }, (_, index) => (index >= 20 && index < 30 ? null : index));
  // A value a second beside a hundred; of the second second only the first half came.
  const records = [
    { count: 100, values: [x, [20]] },
    { count: 50, values: [x.slice(0, 50), [null]] },
    { count: 100, values: [x, []] },
    { count: 100, values: [x, undefined] },
    { count: 1, values: [[1], undefined] },
  ];
  for (const [second, steps] of before) {
    const specs: StepSpec[] = [...steps, { use: 'window', length: '1s', rate: 100 }, { use: 'lags', lags: [0] }];
    const chain = buildChain(specs, ['x', 't']);
    let saved = chain.open().save();
    const missing = records.flatMap(({ count, values }, seconds) => {
      const session = chain.open();
      session.load(saved);
      const input = new InputRows(2);
      input.begin();
      const padded = values.map((array) => array && [...array, ...new Array(count - array.length).fill(null)]);
      const sent = values.map((array) => array?.length ?? count);
      input.addSamples({ device: 'a', time: { seconds, nanoseconds: 0 } }, 100, count, padded, sent);
      const { rows, committed } = session.apply(input.rows());
      const found = copied(rows).map(({ window }) => window?.missing);
      committed();
      saved = session.save();
      return found;
    });
    // Ten gaps of x; in the second also the temperature, and of 50 samples that never came as many values as of the others.
    expect(missing, JSON.stringify(steps)).toEqual([10, second, 10, 110]);
  }
});

test('the truth of a window is that of its samples where they agree; else none, and it is counted', () => {
  const truths = (...all: number[]) => all.map((truth, index) => at(index * 10, 0, { truth }));
  const first = (samples: Sample[]) => {
    const { rows, counts } = run({}, [...samples, at(1_000)]);
    return [rows[0]!.truth, counts[1]!.mixed];
  };
  expect(first(truths(2, 2, 2))).toEqual([2, 0]);
  expect(first(truths(-1, 2, -1))).toEqual([2, 0]);
  expect(first(truths(-1, -1))).toEqual([-1, 0]);
  expect(first(truths(2, 0, 2))).toEqual([-1, 1]);
});

test('a sample far ahead of its arrival closes no window; without an arrival there is nothing to compare', () => {
  const received = ms(1_000);
  const samples = [
    at(500, 1, { received }),
    at(4_601_000, 2, { received }),
    at(900, 3, { received }),
    at(3_600_000, 4, { received }),
  ];
  const given = run({}, samples);
  expect(given.skips).toEqual(['ahead ahead a 4601000000000 1']);
  expect(windows(given)).toEqual([[1_000, 2, 3]]);
  expect(
    run(
      {},
      samples.map(({ received: _, ...sample }) => sample),
    ).skips,
  ).toEqual(['window late a 900000000 2', 'window late a 3600000000000 3']);
});

test('more than maxSamples are not held', () => {
  const given = run({ maxSamples: 2 }, [at(0), at(10), at(20), at(1_000)]);
  expect(windows(given)).toEqual([[1_000, 2, 10]]);
  expect(given.skips).toEqual(['window full a 20000000 2']);
});

test('devices have windows of their own', () => {
  const given = run({}, [at(500), at(100, 1, { device: 'b' }), at(1_000), at(200, 2, { device: 'b' })]);
  expect(windows(given)).toEqual([[1_000, 1, 500]]);
  expect(given.held).toEqual([0, 3, 0]);
});

test.each([
  [{ every: '2s' }, 'every: it is longer than `length`'],
  [{ every: '999us' }, 'every: a sample would belong to more than 1000 windows'],
  [{ length: '0s' }, 'length: a duration that is more than nothing'],
  [{ length: '91d' }, 'length: a duration like 250ms'],
])('%o is refused', (params, message) => {
  expect(() => run(params, [])).toThrow(`steps.0 (window): ${message}`);
});
