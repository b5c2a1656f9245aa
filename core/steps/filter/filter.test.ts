import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildChain } from '../chain.ts';
import vectors from '../fixtures/filter.json' with { type: 'json' };
import { InputRows } from '../input.ts';
import { endsSegment } from '../port.ts';
import type { StepSpec } from '../registry.ts';
import { copied, ms, Run, runAll, type Sample, rowsOf as stepRowsOf } from '../testing/run.ts';
import { timeOf } from '../time.ts';
import type { Band } from './butterworth.ts';

const { rate, values } = vectors;
const periodMs = 1_000 / rate;
const valuesOf = ({ rows }: { rows: { values: readonly number[] }[] }) => rows.map((row) => row.values[0]!);
const samplesOf = (all: readonly number[], from = 0): Sample[] =>
  all.map((value, at) => ({ device: 'a', ns: ms(from + at * periodMs), values: [value] }));

function specOf(band: Band, order: number, corners: readonly number[]): StepSpec {
  const low = band === 'lowpass' ? {} : { low: corners[0]! };
  const high = band === 'highpass' ? {} : { high: corners.at(-1)! };
  return { use: 'filter', band, order, ...low, ...high, rate };
}

test.each(vectors.cases)('scipy: $band of order $order at $corners Hz', ({ band, order, corners, result }) => {
  const given = valuesOf(runAll([specOf(band as Band, order, corners)], ['x'], samplesOf(values)));
  expect(given).toHaveLength(result.length);
  given.forEach((value, at) => {
    expect(Math.abs(value - result[at]!), `sample ${at}`).toBeLessThan(1e-9);
  });
});

const lowpass = { ...specOf('lowpass', 4, [8]), maxGap: '100ms' } as StepSpec;
const alone = (part: readonly number[]) => valuesOf(runAll([lowpass], ['x'], samplesOf(part)));

test('a value that is missing stays missing and does not reach the filter', () => {
  const holed = values.map((value, at) => (at >= 20 && at < 25 ? Number.NaN : value));
  const given = valuesOf(runAll([lowpass], ['x'], samplesOf(holed)));
  const without = alone(values.filter((_, at) => at < 20 || at >= 25));
  expect(given.slice(20, 25)).toEqual(new Array(5).fill(Number.NaN));
  expect(given.filter((value) => !Number.isNaN(value))).toEqual(without);
});

test.each(['missing values', 'missing rows'])('after a gap longer than maxGap it restarts: %s', (kind) => {
  const holed = samplesOf(values)
    .map((sample, at) => (at >= 20 && at < 30 ? { ...sample, values: [Number.NaN] } : sample))
    .filter((_, at) => kind === 'missing values' || at < 20 || at >= 30);
  const given = valuesOf(runAll([lowpass], ['x'], holed)).filter((value) => !Number.isNaN(value));
  expect(given).toEqual([...alone(values.slice(0, 20)), ...alone(values.slice(30))]);
});

test('one channel alone may lack values', () => {
  const both = samplesOf(values).map((sample, at) => ({
    ...sample,
    values: [sample.values[0]!, at % 3 === 0 ? Number.NaN : 1],
  }));
  const { rows } = runAll([lowpass], ['x', 'y'], both);
  expect(rows.map((row) => row.values[0])).toEqual(alone(values));
  rows.forEach(({ values: [, y] }, at) => {
    if (at % 3 === 0) expect(y).toBeNaN();
    else expect(y).toBeCloseTo(1, 12);
  });
});

test('segments: restart begins again after each; continue does not', () => {
  const cut = samplesOf(values).map((sample, at) => (at === 29 ? { ...sample, segment: endsSegment } : sample));
  // Sent twice, the end does not begin the next segment again.
  const again = cut.flatMap((sample, at) => (at === 34 ? [sample, cut[29] ?? sample] : [sample]));
  const restarted = valuesOf(runAll([{ ...lowpass, segments: 'restart' } as StepSpec], ['x'], cut));
  expect(restarted).toEqual([...alone(values.slice(0, 30)), ...alone(values.slice(30))]);
  expect(valuesOf(runAll([{ ...lowpass, segments: 'restart' } as StepSpec], ['x'], again))).toEqual(restarted);
  expect(valuesOf(runAll([lowpass], ['x'], cut))).toEqual(alone(values));
});

test('rows that are not later than the one before are skipped', () => {
  const [first, second, third] = samplesOf(values);
  const given = runAll([lowpass], ['x'], [first!, third!, second!, third!]);
  expect(given.rows.map((row) => row.ns)).toEqual(['0', '20000000']);
  expect(given.skips).toEqual(['filter late a 10000000 2', 'filter late a 20000000 3']);
});

test('channels that are not named pass as they are', () => {
  const two = samplesOf(values).map((sample) => ({ ...sample, values: [sample.values[0]!, sample.values[0]!] }));
  const { rows } = runAll([{ ...lowpass, channels: ['y'] } as StepSpec], ['x', 'y'], two);
  expect(rows.map((row) => row.values[0])).toEqual(values);
  expect(rows.map((row) => row.values[1])).toEqual(alone(values));
});

test('smooth moves by 1 - exp(-elapsed / time), with uneven samples too', () => {
  const times = [0, 10, 15, 40, 41, 90];
  const samples = times.map((at, index): Sample => ({ device: 'a', ns: ms(at), values: [values[index]!] }));
  const given = valuesOf(runAll([{ use: 'smooth', time: '20ms', maxGap: '1s' }], ['x'], samples));
  let y = values[0]!;
  times.forEach((at, index) => {
    const elapsed = index === 0 ? 0 : at - times[index - 1]!;
    y += (1 - Math.exp(-elapsed / 20)) * (values[index]! - y);
    expect(given[index]).toBeCloseTo(y, 12);
  });
});

test.each([
  [{ band: 'lowpass', rate: 100 }, 'high: a lowpass filter needs it'],
  [{ band: 'lowpass', high: 10, low: 1, rate: 100 }, 'low: a lowpass filter has no such corner'],
  [{ band: 'highpass', low: 50, rate: 100 }, 'low: 50 Hz is not below half the rate, 50 Hz'],
  [{ band: 'bandpass', low: 20, high: 20, rate: 100 }, 'high: 20 Hz is not above low, 20 Hz'],
  [{ band: 'lowpass', high: 10 }, 'rate: it is missing; set it, or put a resample step before this one'],
  [{ band: 'lowpass', high: 10, rate: 100, channels: ['z'] }, 'channels: there is no channel "z"; there are "x"'],
  [{ band: 'lowpass', high: 10, rate: 100, order: 9 }, 'order: '],
  [{ band: 'lowpass', high: 10, rate: 100, maxGap: 'soon' }, 'maxGap: a duration like'],
])('%o is refused', (params, message) => {
  const spec = { use: 'filter', ...params } as StepSpec;
  expect(() => runAll([spec], ['x'], [])).toThrow(`steps.0 (filter): ${message}`);
});

const alongRow = (spec: StepSpec, row: readonly number[]) => {
  const channels = row.map((_, at) => `sample${at}`);
  return runAll([spec], channels, [{ device: 'a', ns: 0n, values: row }]).rows[0]?.values;
};

test.each(vectors.cases)(
  'scipy, along a row: $band of order $order at $corners Hz',
  ({ band, order, corners, result }) => {
    const given = alongRow({ ...specOf(band as Band, order, corners), along: 'row' } as StepSpec, values) ?? [];
    expect(given).toHaveLength(result.length);
    given.forEach((value, at) => {
      expect(Math.abs(value - result[at]!), `sample ${at}`).toBeLessThan(1e-9);
    });
  },
);

/** Segments of ten samples a second for two seconds, with losses alone and in bursts. */
const segment = fc
  .tuple(
    fc.array(
      fc.oneof(
        { arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }), weight: 4 },
        { arbitrary: fc.constant(Number.NaN), weight: 1 },
      ),
      { minLength: 20, maxLength: 20 },
    ),
    fc.integer({ min: 0, max: 19 }),
    fc.integer({ min: 0, max: 8 }),
  )
  .map(([all, from, lost]) => all.map((value, at) => (at >= from && at < from + lost ? Number.NaN : value)));

test.each([
  { use: 'filter', band: 'lowpass', high: 2, rate: 10, maxGap: '300ms' },
  { use: 'filter', band: 'bandpass', low: 1, high: 3, order: 3, rate: 10 },
  { use: 'filter', band: 'highpass', low: 1, order: 5, rate: 10, maxGap: '50ms' },
  { use: 'smooth', time: '280ms', rate: 10 },
  { use: 'smooth', time: '80ms', rate: 10, maxGap: '1s' },
] as StepSpec[])('along a row: bit for bit what its samples give one by one, through a window: %j', (spec) => {
  const { rate: _, ...timed } = spec as Record<string, unknown>;
  const onTime = { ...(spec.use === 'smooth' ? timed : spec), segments: 'restart' } as StepSpec;
  const cut: StepSpec[] = [onTime, { use: 'window', length: '2s', rate: 10 }, { use: 'series', rate: 10 }];
  const names = Array.from({ length: 20 }, (__, at) => `sample${at}`);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
      const oneByOne = segments.flatMap((row, which) =>
        row.map((value, at): Sample => {
          const sample = { device: 'a', ns: ms(which * 2_000 + at * 100), values: [value] };
          return at === row.length - 1 ? { ...sample, segment: endsSegment } : sample;
        }),
      );
      const rows = segments.map((row, which): Sample => ({ device: 'a', ns: ms(which), values: row }));
      const along = runAll([{ ...spec, along: 'row' } as StepSpec], names, rows).rows;
      expect(along.map((row) => row.values)).toEqual(runAll(cut, ['x'], oneByOne).rows.map((row) => row.values));
    }),
    { numRuns: 200 },
  );
});

test.each([
  { use: 'filter', band: 'bandpass', low: 1, high: 3, order: 2, rate: 10, maxGap: '300ms' },
  { use: 'filter', band: 'lowpass', high: 2, order: 1, rate: 10, maxGap: '300ms' },
  { use: 'smooth', time: '280ms', maxGap: '300ms' },
] as StepSpec[])('rows together: bit for bit what they give one by one, whatever is missing: %j', (spec) => {
  // Rows that are not there make gaps between those that are.
  const channels = fc.tuple(segment, segment, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }));
  fc.assert(
    fc.property(channels, ([x, y, isThere]) => {
      const rows = x
        .map((value, at): Sample => ({ device: 'a', ns: ms(at * 100), values: [value, y[at]!] }))
        .filter((_, at) => isThere[at]);
      const [together, oneByOne] = [0, 1].map(() => new Run(buildChain([spec], ['x', 'y']), 2));
      together!.take(rows);
      for (const row of rows) oneByOne!.take([row]);
      const given = ({ outcome }: Run) => outcome.rows.map((row) => row.values);
      expect(given(together!)).toEqual(given(oneByOne!));
    }),
    { numRuns: 300 },
  );
});

test('along a row: columns that are not named stay, and no order of rows is asked for', () => {
  const spec = { ...lowpass, along: 'row', channels: ['c', 'a'] } as StepSpec;
  const rows = [5, 3].map((at): Sample => ({ device: 'a', ns: ms(at), values: [at, 7, 2 * at] }));
  const given = runAll([spec], ['a', 'b', 'c'], rows);
  const expected = [5, 3].map((at) => {
    const [c, a] = alongRow({ ...lowpass, along: 'row' } as StepSpec, [2 * at, at]) ?? [];
    return [a, 7, c];
  });
  expect(given.rows.map((row) => row.values)).toEqual(expected);
  expect(given.skips).toEqual([]);
});

test('along a row: values row after row give the bits that columns give, and are not changed', () => {
  const names = ['a', 'b', 'c', 'd'];
  const specs = [lowpass, { use: 'smooth', time: '80ms', rate }].map(
    (spec, at) => ({ ...spec, along: 'row', channels: at === 0 ? ['c', 'a', 'd'] : names }) as StepSpec,
  );
  const samples = [5, 3, Number.NaN].map((at): Sample => ({ device: 'a', ns: 0n, values: [at, 7, 2 * at, 1] }));
  const values = Float64Array.from(samples.flatMap((sample) => sample.values));
  const chain = buildChain(specs, names);
  expect(chain.takesValues).toBe(true);
  const given = chain.open().apply({ ...stepRowsOf(new InputRows(0), samples), values });
  const byColumns = runAll(specs, names, samples).rows.flatMap((row) => row.values);
  expect(given.rows).toMatchObject({ count: 3, columns: [] });
  expect([...(given.rows.values ?? [])]).toEqual(byColumns);
  expect([...values]).toEqual(samples.flatMap((sample) => sample.values));
});

test.each<[string, StepSpec[]]>([
  ['over time', [lowpass]],
  ['beside a step of columns', [{ ...lowpass, along: 'row' } as StepSpec, { use: 'lags', lags: [1] }]],
])('rows come by columns where a filter runs %s', (_, specs) => {
  expect(buildChain(specs, ['x']).takesValues).toBe(false);
});

const rowsOf = (channels: readonly string[], length: number) =>
  channels.flatMap((name) => Array.from({ length }, (_, at) => `${name}${at}`));
const smoothed = (channels?: readonly string[]): StepSpec => ({
  ...{ use: 'smooth', time: '1s', rate: 10, along: 'row' },
  ...(channels && { channels: [...channels] }),
});

test.each<[string, string[], StepSpec[], object | undefined]>([
  ['all columns', rowsOf(['sample_'], 20), [smoothed()], { channels: ['sample'], length: 20 }],
  ['names without a beginning', ['one', 'two'], [smoothed()], { channels: ['one'], length: 2 }],
  [
    'a step for each channel, whatever their order',
    rowsOf(['x.', 'y.'], 5),
    [smoothed(rowsOf(['y.'], 5)), smoothed(rowsOf(['x.'], 5))],
    { channels: ['x', 'y'], length: 5 },
  ],
  ['two steps along one channel', rowsOf(['x'], 5), [smoothed(), smoothed()], { channels: ['x'], length: 5 }],
  ['a part of the columns', rowsOf(['x', 'y'], 5), [smoothed(rowsOf(['x'], 5))], undefined],
  ['channels of two lengths', ['x0', 'x1', 'y0'], [smoothed(['x0', 'x1']), smoothed(['y0'])], undefined],
  ['columns in another order', ['x1', 'x0'], [smoothed(['x0', 'x1'])], undefined],
  ['columns that a step adds', rowsOf(['x'], 5), [smoothed(), { use: 'lags', lags: [1] }], undefined],
])('along a row: whether a row is a series: %s', (_, names, specs, expected) => {
  expect(buildChain(specs, names).shape.series).toEqual(expected);
});

test.each([
  [{ use: 'filter', band: 'lowpass', high: 10, along: 'row' }, 'rate: along a row the samples a second'],
  [{ use: 'smooth', time: '1s', along: 'row' }, 'rate: along a row the samples a second'],
  [{ use: 'smooth', time: '1s', rate: 10 }, 'rate: only along a row'],
  [{ use: 'smooth', time: '1s', rate: 10, along: 'row', channels: ['x', 'x'] }, 'channels: "x" is named twice'],
] as [StepSpec, string][])('refused along a row: %j', (spec, message) => {
  expect(() => runAll([spec], ['x'], [])).toThrow(message);
});

test('rows that are left out do not move what the others say of themselves', () => {
  const chain = buildChain([{ use: 'filter', band: 'lowpass', high: 10, order: 1, rate: 50 }], ['x']);
  const input = new InputRows(1);
  input.begin();
  for (const [index, milliseconds] of [0, 20, 40, 20, 60, 80].entries())
    input.addSample({ device: index === 4 ? 'b' : 'a', time: timeOf(ms(milliseconds)), truth: index }, [index]);
  const session = chain.open();
  const { rows, outcomes } = session.apply(input.rows());
  expect(copied(rows).map(({ device, ns, truth, input: record }) => [device, Number(ns) / 1e6, truth, record])).toEqual(
    [
      ['a', 0, 0, 0],
      ['a', 20, 1, 1],
      ['a', 40, 2, 2],
      ['b', 60, 4, 4],
      ['a', 80, 5, 5],
    ],
  );
  expect(outcomes[0]!.skips.inputs).toEqual([3]);
});
