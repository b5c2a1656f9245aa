import { expect, it } from 'vitest';
import type { Model } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { Scoring } from './scoring.ts';

const classes = ['low', 'high'];

/** Predicts by its only value; one that is missing is `low` by a hair, and one above 100 gets no label. */
const byValue = (rows: Rows) => {
  const labels = Int32Array.from(rows.values, (value) => (value > 100 ? -1 : value > 5 ? 1 : 0));
  const probabilities = Float64Array.from({ length: rows.count * 2 }, (_, at) => {
    const value = rows.values[at >> 1] ?? Number.NaN;
    const high = Number.isNaN(value) ? 0.45 : value > 5 ? 0.95 : 0.05;
    return at % 2 === 1 ? high : 1 - high;
  });
  return { labels, probabilities, filled: rows.values };
};
const model = { classes, open: () => ({ predict: byValue, warm: () => {} }) } as unknown as Model;

const rowsOf = (values: readonly number[], labels: readonly number[]) => ({
  count: values.length,
  width: 1,
  values: Float64Array.from(values),
  labels: Int32Array.from(labels),
  devices: values.map((_, row) => `row ${row}`),
  times: new BigInt64Array(values.length),
});

it('scores rows as they are, with values masked, and by the probability of their labels', async () => {
  const scoring = new Scoring({ classes: 2, seed: 1 });
  // Half of them are high; of those that are low, one in ten has a value that says otherwise.
  const values = Array.from({ length: 2_000 }, (_, row) => (row % 2 === 1 || row % 20 === 0 ? 8 : 2));
  await scoring.add(
    model,
    rowsOf(
      values,
      values.map((_, row) => row % 2),
    ),
  );
  const { rows, accuracy, byGapRate = [], reliability } = scoring.figures();
  expect([rows, accuracy]).toEqual([2_000, 0.95]);
  expect(reliability).toEqual([{ rows: 2_000, probability: expect.closeTo(0.95, 9), accuracy: 0.95 }]);
  expect(byGapRate.map(({ rate, rows: masked }) => [rate, masked])).toEqual([
    [0.1, 2_000],
    [0.3, 2_000],
    [0.5, 2_000],
  ]);
  // A value that is missing makes a high one wrong, and a low one right.
  for (const { rate, accuracy: right } of byGapRate)
    expect(right).toBeCloseTo(0.5 * (1 - rate) + 0.5 * (0.9 + 0.1 * rate), 1);
});

it('joins the models of folds, and leaves rows without a label out of the reliability', async () => {
  const scoring = new Scoring({ classes: 2, seed: 1, mostMasked: 2 });
  await scoring.add(model, rowsOf([2, 8, Number.NaN, 200], [0, 1, 0, 1]));
  await scoring.add(model, rowsOf([8, 8], [0, 1]));
  const { rows, accuracy, confusion, reliability, byGapRate } = scoring.figures();
  expect([rows, accuracy]).toEqual([6, 4 / 6]);
  expect(confusion).toEqual([
    [2, 1],
    [0, 2],
  ]);
  expect(reliability).toEqual([
    { rows: 1, probability: expect.closeTo(0.55, 9), accuracy: 1 },
    { rows: 4, probability: expect.closeTo(0.95, 9), accuracy: 0.75 },
  ]);
  expect(byGapRate?.map((each) => each.rows)).toEqual([4, 4, 4]);
});
