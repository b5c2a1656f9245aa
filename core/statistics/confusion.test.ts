import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scoreConfusion } from './confusion.ts';

/** By the book: precision and recall of each class that occurs, from the pairs themselves. */
function byTheBook(pairs: readonly (readonly [truth: number, label: number])[], size: number) {
  const scores: number[] = [];
  for (let index = 0; index < size; index += 1) {
    const hits = pairs.filter(([truth, label]) => truth === index && label === index).length;
    const truths = pairs.filter(([truth]) => truth === index).length;
    const labels = pairs.filter(([, label]) => label === index).length;
    if (truths + labels === 0) continue;
    const precision = labels === 0 ? 0 : hits / labels;
    const recall = truths === 0 ? 0 : hits / truths;
    scores.push(precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall));
  }
  return {
    accuracy: pairs.filter(([truth, label]) => truth === label).length / pairs.length,
    f1: scores.reduce((sum, score) => sum + score, 0) / scores.length,
  };
}

test('accuracy and macro F1 agree with their definitions', () => {
  const size = 5;
  const index = fc.integer({ min: 0, max: size - 1 });
  fc.assert(
    fc.property(fc.array(fc.tuple(index, index), { minLength: 1, maxLength: 60 }), (pairs) => {
      const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0));
      for (const [truth, label] of pairs) matrix[truth]![label]! += 1;
      const expected = byTheBook(pairs, size);
      const { accuracy, macroF1 } = scoreConfusion(matrix);
      expect(accuracy).toBeCloseTo(expected.accuracy, 12);
      expect(macroF1).toBeCloseTo(expected.f1, 12);
    }),
  );
});

test('without truth there is no score', () => {
  const nothing = { accuracy: undefined, macroF1: undefined, microF1: undefined, classes: 0, total: 0 };
  expect(scoreConfusion([])).toEqual(nothing);
  expect(scoreConfusion([[0]])).toEqual(nothing);
});

test('a label of no class is wrong, and its class has no F1 of its own', () => {
  const beside = scoreConfusion([
    [1, 0, 1],
    [0, 1, 0],
  ]);
  const square = scoreConfusion(
    [
      [0, 0, 0],
      [1, 1, 0],
      [0, 0, 1],
    ],
    0,
  );
  for (const scores of [beside, square]) {
    expect(scores).toMatchObject({ total: 3, classes: 2 });
    expect(scores.accuracy).toBeCloseTo(2 / 3, 12);
    expect(scores.macroF1).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(scores.microF1).toBeCloseTo(4 / 5, 12);
  }
});

test('a class of the data that has the name of declined labels is a class', () => {
  const matrix = [
    [1, 1],
    [0, 2],
  ];
  expect(scoreConfusion(matrix, 0)).toEqual(scoreConfusion(matrix));
});
