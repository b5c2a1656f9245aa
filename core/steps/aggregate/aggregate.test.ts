import { expect, test } from 'vitest';
import type { StepSpec } from '../registry.ts';
import { ms, runAll, type Sample } from '../testing/run.ts';

const gap = Number.NaN;
const at = (seconds: number, x: number, y = gap, device = 'p'): Sample => ({
  ...{ device, ns: ms(seconds * 1_000), values: [x, y] },
});
const valuesOf = (columns: readonly object[], samples: readonly Sample[], more: object = {}) =>
  runAll([{ use: 'aggregate', columns, ...more } as StepSpec], ['x', 'y'], samples);

test('the four inputs of a ward: last, running mean, deviation with 0 for two values or fewer', () => {
  const columns = [
    { name: 'last_x', of: 'x', take: 'last' },
    { name: 'mean_x', of: 'x', take: 'mean' },
    { name: 'sd_y', of: 'y', take: 'std', min: 3, fewer: 0 },
    { name: 'n_y', of: 'y', take: 'count' },
  ];
  const samples = [at(0, 2, 1), at(1, 4, 3), at(2, gap, 8), at(2, 9), at(3, gap), at(0, 100, 100, 'q')];
  const { rows, channels } = valuesOf(columns, samples);
  expect(channels).toEqual(['last_x', 'mean_x', 'sd_y', 'n_y']);
  const sd = Math.sqrt(((1 - 4) ** 2 + (3 - 4) ** 2 + (8 - 4) ** 2) / 2);
  expect(rows.map(({ values }) => values.map((value) => Number(value.toFixed(9))))).toEqual([
    [2, 2, 0, 1],
    [4, 3, 0, 2],
    [4, 3, Number(sd.toFixed(9)), 3],
    [9, 5, Number(sd.toFixed(9)), 3],
    [9, 5, Number(sd.toFixed(9)), 3],
    [100, 100, 0, 1],
  ]);
});

test('a span holds the values since then, and no more than it may', () => {
  const over = { of: 'x', over: '3s' };
  const columns = [
    { name: 'mean', take: 'mean', ...over },
    { name: 'count', take: 'count', ...over },
    { name: 'min', take: 'min', ...over },
    { name: 'max', take: 'max', ...over },
  ];
  const samples = [at(0, 1), at(1, 2), at(2, 9), at(3, 4), at(9, gap), at(10, 5)];
  const { rows } = valuesOf(columns, samples);
  expect(rows.map(({ values }) => values)).toEqual([
    [1, 1, 1, 1],
    [1.5, 2, 1, 2],
    [4, 3, 1, 9],
    [5, 3, 2, 9],
    [gap, 0, gap, gap],
    [5, 1, 5, 5],
  ]);
  const few = valuesOf(columns.slice(1, 2), samples, { maxValues: 2, keep: ['y', 'x'] });
  expect(few.channels).toEqual(['count', 'y', 'x']);
  expect(few.rows.map(({ values }) => values[0])).toEqual([1, 2, 2, 2, 0, 1]);
});

test('a row that is earlier than one before it is skipped, for its past is gone; one at the same time is not', () => {
  const { rows, skips } = valuesOf([{ name: 'n', of: 'x', take: 'count' }], [at(5, 1), at(5, 1), at(4, 1), at(6, 1)]);
  expect(rows.map(({ values }) => values[0])).toEqual([1, 2, 3]);
  expect(skips).toHaveLength(1);
  expect(skips[0]).toContain('aggregate late p');
});

test('with a lateness, a row that comes late gets the past up to its own time, and so do those after it', () => {
  const columns = [
    { name: 'last', of: 'x', take: 'last' },
    { name: 'mean', of: 'x', take: 'mean' },
    { name: 'span', of: 'x', take: 'mean', over: '3s' },
    { name: 'n', of: 'x', take: 'count' },
  ];
  const samples = [at(0, 2), at(10, 4), at(4, 9), at(4, gap), at(11, gap), at(5, 1), at(30, 8), at(24, 8)];
  const { rows, skips } = valuesOf(columns, samples, { lateness: '6s' });
  expect(rows.map(({ values }) => values)).toEqual([
    [2, 2, 2, 1],
    [4, 3, 4, 2],
    // At 4 there are 2 and 9, not yet 4.
    [9, 5.5, 9, 2],
    [9, 5.5, 9, 2],
    // The newest value is that of 10, whatever came later.
    [4, 5, 4, 3],
    [1, 4, 5, 3],
    [8, 24 / 5, 8, 5],
    [8, (2 + 4 + 9 + 1 + 8) / 5, 8, 5],
  ]);
  expect(skips).toEqual([]);
  // At most two values are told apart: what is older than those is one sum, up to the time of its newest.
  const few = valuesOf([columns[1] ?? {}], [at(0, 1), at(5, 2), at(6, 3), at(7, 4), at(4, 5), at(5, 6)], {
    ...{ lateness: '10s', maxValues: 2 },
  });
  expect(few.rows.map(({ values }) => values[0])).toEqual([1, 1.5, 2, 2.5, 3]);
  expect(few.skips).toHaveLength(1);
  expect(valuesOf(columns, [at(10, 1), at(3, 1)], { lateness: '6s' }).skips).toHaveLength(1);
});

test('what does not fit is named', () => {
  expect(() => valuesOf([{ name: 'a', of: 'z', take: 'last' }], [])).toThrow('there is no channel "z"');
  const twice = [
    { name: 'x', of: 'x', take: 'last' },
    { name: 'n', of: 'x', take: 'count' },
  ];
  expect(() => valuesOf(twice, [], { keep: ['x'] })).toThrow('"x" stands there twice');
});
