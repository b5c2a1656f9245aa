import { expect, test } from 'vitest';
import { endsSegment } from '../port.ts';
import type { StepSpec } from '../registry.ts';
import { ms, runAll, type Sample } from '../testing/run.ts';

const gap = Number.NaN;
const at = (seconds: number, x: number, y: number, more: Partial<Sample> = {}): Sample => ({
  ...{ device: 'p', ns: ms(seconds * 1_000), values: [x, y] },
  ...more,
});
const pivoted = (samples: readonly Sample[], more: object = {}) =>
  runAll([{ use: 'pivot', ...more } as StepSpec], ['x', 'y'], samples);

test('records of one time are one row, as soon as all is measured', () => {
  const { rows, held } = pivoted([at(1, 1, gap), at(1, gap, 2), at(2, 3, gap)]);
  expect(rows.map(({ ns, values, input }) => [ns, values, input])).toEqual([['1000000000', [1, 2], 1]]);
  expect(held).toEqual([1]);
});

test('a time that lacks a value is whole when its device moves on', () => {
  const { rows } = pivoted([at(1, 1, gap), at(2, gap, 2), at(3, 3, gap)]);
  expect(rows.map(({ values }) => values)).toEqual([
    [1, gap],
    [gap, 2],
  ]);
});

test('with grace, records out of order are put together, and rows come in order', () => {
  const { rows, skips } = pivoted([at(1, 1, gap), at(2, 3, 4), at(1, gap, 2), at(9, 1, gap), at(2, 5, gap)], {
    grace: '3s',
  });
  expect(rows.map(({ ns, values }) => [ns, values])).toEqual([
    ['1000000000', [1, 2]],
    ['2000000000', [3, 4]],
  ]);
  expect(skips).toEqual([expect.stringContaining('pivot late p 2000000000')]);
});

test('only what is named makes a time whole; a value that comes twice is counted, the later one wins', () => {
  const { rows, counts } = pivoted([at(1, gap, 1), at(1, gap, 2), at(1, 3, gap)], { complete: ['x'] });
  expect(rows.map(({ values }) => values)).toEqual([[3, 2]]);
  expect(counts[0]).toMatchObject({ consumed: 1, duplicates: 1, merged: 1 });
});

test('the end of a segment makes all whole', () => {
  const { rows, held } = pivoted([at(1, 1, gap), at(2, 2, gap, { segment: endsSegment })], { grace: '1h' });
  expect(rows.filter(({ segment }) => segment === 0).map(({ values }) => values)).toEqual([
    [1, gap],
    [2, gap],
  ]);
  expect(held).toEqual([0]);
});
