import { expect, it } from 'vitest';
import { score, weightedFigures } from './metrics.ts';

it('scores as scikit-learn does', () => {
  // sklearn.metrics.f1_score([0,0,1,1,2,2,2], [0,1,1,1,2,0,2], average="macro") = 0.7, accuracy 5/7
  const scores = score(Int32Array.of(0, 0, 1, 1, 2, 2, 2), Int32Array.of(0, 1, 1, 1, 2, 0, 2), 3);
  expect(scores.accuracy).toBeCloseTo(5 / 7, 12);
  expect(scores.f1).toBeCloseTo(0.7, 12);
  expect(scores.confusion).toEqual([
    [1, 1, 0],
    [0, 2, 0],
    [1, 0, 2],
  ]);
});

it('counts a declined label as wrong, and leaves out classes that never occur', () => {
  const scores = score(Int32Array.of(0, 0, 1), Int32Array.of(0, -1, 1), 3);
  expect(scores).toMatchObject({
    rows: 3,
    accuracy: 2 / 3,
    confusion: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
  });
  expect(scores.f1).toBeCloseTo((2 / 3 + 1) / 2, 12);
});

it('is defined for no rows at all', () => {
  expect(score(new Int32Array(0), new Int32Array(0), 2)).toMatchObject({ rows: 0, accuracy: 0, f1: 0 });
});

it("weights F1 by the rows of a class, and takes the mean of Youden's J", () => {
  const truths = Int32Array.of(0, 0, 0, 1, 1, 2);
  const labels = Int32Array.of(0, 0, 1, 1, 2, -1);
  const { weightedF1, youden } = weightedFigures(truths, labels, 4);
  // By hand: F1 is 0.8, 0.5 and 0; J is 2/3, 1/2 - 1/4 and -1/5.
  expect(weightedF1).toBeCloseTo((3 * 0.8 + 2 * 0.5) / 6, 12);
  expect(youden).toBeCloseTo((2 / 3 + 1 / 4 - 1 / 5) / 3, 12);
  expect(weightedFigures(new Int32Array(), new Int32Array(), 2)).toEqual({ weightedF1: 0, youden: 0 });
});

it("of two classes Youden's J is sensitivity and specificity less one", () => {
  const truths = Int32Array.of(0, 0, 0, 0, 1, 1);
  const labels = Int32Array.of(0, 0, 0, 1, 1, 0);
  expect(weightedFigures(truths, labels, 2).youden).toBeCloseTo(3 / 4 + 1 / 2 - 1, 12);
});
