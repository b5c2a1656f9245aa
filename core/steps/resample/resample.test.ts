import { expect, test } from 'vitest';
import vectors from '../fixtures/resample.json' with { type: 'json' };
import { endsSegment, onlyEndsSegment } from '../port.ts';
import type { StepSpec } from '../registry.ts';
import { ms, runAll, type Sample } from '../testing/run.ts';

const at = (milliseconds: number, value: number, more: Partial<Sample> = {}): Sample => ({
  device: 'a',
  ns: ms(milliseconds),
  values: [value],
  ...more,
});
const run = (params: object, samples: readonly Sample[], channels = ['x']) =>
  runAll([{ use: 'resample', rate: 10, maxGap: '500ms', ...params } as StepSpec], channels, samples);
const pairs = ({ rows }: ReturnType<typeof run>) => rows.map((row) => [Number(row.ns) / 1e6, row.values[0]]);

test.each(vectors.cases)('numpy.interp at $rate samples a second', ({ rate, milliseconds, values, result }) => {
  const samples = milliseconds.map((time, index) => at(time, values[index]!));
  const given = run({ rate, maxGap: '10s' }, samples).rows.map((row) => row.values[0]!);
  expect(given).toHaveLength(result.length);
  given.forEach((value, index) => {
    expect(Math.abs(value - result[index]!)).toBeLessThan(1e-9);
  });
});

test('the grid is aligned to the epoch, before it too; samples on the grid stay as they are', () => {
  const samples = [at(-250, -2.5), at(-100, 0.1), at(50, 0.5), at(100, 0.3)];
  expect(pairs(run({}, samples))).toEqual([
    [-200, expect.closeTo(-2.5 + (2.6 * 50) / 150, 12)],
    [-100, 0.1],
    [0, expect.closeTo(0.1 + (0.4 * 100) / 150, 12)],
    [100, 0.3],
  ]);
});

test('the grid of three samples a second does not drift', () => {
  const samples = Array.from({ length: 40 }, (_, index) => at(1_000 + index * 100, index));
  const times = run({ rate: 3 }, samples).rows.map((row) => row.ns);
  expect(times.slice(0, 4)).toEqual(['1000000000', '1333333333', '1666666666', '2000000000']);
  expect(times.at(-1)).toBe('4666666666');
});

test('a gap up to maxGap is bridged, a longer one stays a gap', () => {
  expect(pairs(run({}, [at(1_000, 0), at(1_500, 5)]))).toHaveLength(6);
  expect(pairs(run({}, [at(1_000, 0), at(1_501, 5), at(1_600, 6)]))).toEqual([
    [1_000, 0],
    [1_600, 6],
  ]);
  // Far apart, and far off the grid.
  expect(pairs(run({}, [at(1_000, 0), at(9e9 + 10, 5), at(9e9 + 100, 6)]))).toEqual([
    [1_000, 0],
    [9e9 + 100, 6],
  ]);
});

test('previous holds a value for maxGap', () => {
  const given = pairs(run({ method: 'previous', maxGap: '200ms' }, [at(1_050, 1), at(1_150, 2), at(2_000, 3)]));
  expect(given).toEqual([
    [1_100, 1],
    [1_200, 2],
    [1_300, 2],
    [2_000, 3],
  ]);
});

test('a channel that lacks values waits for none but its own, and no longer than maxGap', () => {
  const nan = Number.NaN;
  const both = (milliseconds: number, x: number, y: number) => at(milliseconds, x, { values: [x, y] });
  const samples = [both(1_000, 0, 0), both(1_100, 1, nan), both(1_200, 2, 4), both(1_300, 3, nan), both(1_900, 9, nan)];
  const { rows } = run({}, samples, ['x', 'y']);
  expect(rows.map((row) => [Number(row.ns) / 1e6, ...row.values, row.input])).toEqual([
    [1_000, 0, 0, 0],
    [1_100, 1, 2, 2],
    [1_200, 2, 4, 2],
    [1_300, 3, nan, 4],
    [1_900, 9, nan, 4],
  ]);
});

test('jitter and reordering within grace are put right, and the later of two samples of one time wins', () => {
  const sorted = Array.from({ length: 30 }, (_, index) =>
    at(1_000 + index * 90, Math.sin(index), { truth: index % 2 }),
  );
  const shuffled = sorted.map((_, index) => sorted[index ^ 1]!);
  const values = (given: ReturnType<typeof run>) => given.rows.map(({ input: _, ...row }) => row);
  const params = { grace: '200ms' };
  expect(shuffled).not.toEqual(sorted);
  expect(values(run(params, shuffled))).toEqual(values(run(params, sorted)));
  const twice = run(params, [at(1_000, 1), at(1_100, 5), at(1_000, 2), at(1_400, 0)]);
  expect(pairs(twice)).toEqual([
    [1_000, 2],
    [1_100, 5],
  ]);
  expect(twice.counts[0]).toMatchObject({ consumed: 2, duplicates: 1, skipped: 0 });
});

test('a sample is late once its time was released; too many are not held', () => {
  const late = run({ grace: '100ms' }, [at(1_000, 1), at(1_300, 2), at(1_150, 9), at(1_250, 3)]);
  expect(late.skips).toEqual(['resample late a 1150000000 2']);
  expect(late.held).toEqual([2]);
  const full = run({ grace: '10s', maxSamples: 2 }, [at(1_000, 1), at(1_100, 2), at(1_200, 3)]);
  expect(full.skips).toEqual(['resample full a 1200000000 2']);
});

test('an end that comes again behind later samples ends nothing', () => {
  const samples = [at(1_000, 0, { segment: endsSegment }), at(1_150, 1), at(1_250, 2), at(1_400, 3)];
  const again = [...samples.slice(0, 3), at(1_000, 0, { segment: endsSegment }), ...samples.slice(3)];
  for (const params of [{}, { grace: '200ms' }]) {
    const once = run(params, samples);
    const twice = run(params, again);
    expect(pairs(twice)).toEqual(pairs(once));
    expect(twice.skips).toEqual(['resample late a 1000000000 3']);
  }
});

test('the end of a segment lets out what waits, and the next segment is not joined to it', () => {
  for (const end of [endsSegment, onlyEndsSegment]) {
    const samples = [
      at(1_000, 0),
      at(1_100, 1),
      at(1_150, end === endsSegment ? 2 : Number.NaN, { segment: end }),
      at(1_250, 9),
      at(1_300, 3),
    ];
    const { rows, held } = run({ grace: '1s' }, samples);
    expect(rows.map((row) => [Number(row.ns) / 1e6, row.segment])).toEqual([
      [1_000, 0],
      [1_100, 0],
      [1_150, onlyEndsSegment],
    ]);
    expect(held).toEqual([2]);
  }
});

test('a maxGap of too many samples is refused', () => {
  expect(() => run({ rate: 100_000, maxGap: '1h' }, [])).toThrow(
    'steps.0 (resample): maxGap: it spans more than 100000',
  );
});
