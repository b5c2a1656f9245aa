import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scoreOf } from '../../core/statistics/confusion.ts';

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
      const { accuracy, f1 } = scoreOf(matrix);
      expect(accuracy).toBeCloseTo(expected.accuracy, 12);
      expect(f1).toBeCloseTo(expected.f1, 12);
    }),
  );
});

test('without truth there is no score', () => {
  expect(scoreOf([])).toEqual({ accuracy: null, f1: null, total: 0 });
  expect(scoreOf([[0]])).toEqual({ accuracy: null, f1: null, total: 0 });
});
