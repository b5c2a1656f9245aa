import { expect, test } from 'vitest';
import { RunningScores } from './running-scores.ts';

function scoresOf(pairs: readonly (readonly [truth: string, label: string])[]): RunningScores {
  const scores = new RunningScores();
  for (const [truth, label] of pairs) scores.add(truth, label);
  return scores;
}

test('nothing is known before the first truth', () => {
  const scores = new RunningScores();
  expect([scores.accuracy, scores.macroF1(), scores.scored]).toEqual([undefined, undefined, 0]);
});

test('accuracy, macro F1 and confusion are those of scikit-learn', () => {
  // f1_score(['a','a','a','b','b','c'], ['a','a','b','b','c','unknown'], labels=['a','b','c'], average='macro') = 0.4333
  const truths = ['a', 'a', 'a', 'b', 'b', 'c'];
  const labels = ['a', 'a', 'b', 'b', 'c', 'unknown'];
  const scores = scoresOf(truths.map((truth, index) => [truth, labels[index]!]));
  expect(scores.accuracy).toBeCloseTo(0.5, 12);
  expect(scores.macroF1()).toBeCloseTo(1.3 / 3, 12);
  expect(scores.confusion()).toEqual({
    classes: ['a', 'b', 'c', 'unknown'],
    counts: [
      [2, 1, 0, 0],
      [0, 1, 1, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 0],
    ],
  });
});

test('classes without end are counted together', () => {
  const scores = scoresOf(Array.from({ length: 2_000 }, (_, index) => [`truth ${index}`, 'a'] as const));
  expect(scores.confusion().classes).toHaveLength(256);
  expect(scores.scored).toBe(2_000);
});
