import { argmax } from '../../numeric/argmax.ts';
import { probabilitiesOf } from './calibrate.ts';
import type { Ridge } from './ridge.ts';
import { openScorer } from './score-kernel.ts';
import type { Numbers } from './standardise.ts';

/** A linear classifier at work on rows without gaps. */
export interface RidgePredictor {
  /** Labels and probabilities; the label is the class with the greatest score. */
  predict(values: Numbers, count: number): { labels: Int32Array; probabilities: Float64Array };
}

export function openRidge(ridge: Ridge): RidgePredictor {
  const { classes, intercepts } = ridge;
  const scoresOf = openScorer(ridge);
  return {
    predict(values, count) {
      const scores = scoresOf(values, count);
      const labels = new Int32Array(count);
      const probabilities = new Float64Array(count * classes);
      for (let row = 0; row < count; row++) {
        const from = row * intercepts.length;
        probabilitiesOf(scores, from, ridge, probabilities, row * classes);
        // Probabilities of sure classes may be equal where the scores are not.
        labels[row] = classes === 2 ? Number(scores[from]! > 0) : argmax(scores, from, classes);
      }
      return { labels, probabilities };
    },
  };
}
