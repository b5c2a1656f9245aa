import { expect, it } from 'vitest';
import { score } from './metrics.ts';

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
