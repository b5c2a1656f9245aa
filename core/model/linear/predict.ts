import { argmax } from '../../numeric/argmax.ts';
import { probabilitiesOf } from './calibrate.ts';
import type { Ridge } from './ridge.ts';
import type { Numbers } from './standardise.ts';

/** The scores of rows without gaps, by row and score. */
export function scoresOf({ width, coefficients, intercepts }: Ridge, values: Numbers, count: number): Float64Array {
  const each = intercepts.length;
  const scores = new Float64Array(count * each);
  for (let row = 0; row < count; row++)
    for (let score = 0; score < each; score++) {
      const [from, own] = [row * width, score * width];
      let sum = intercepts[score]!;
      for (let column = 0; column < width; column++) sum += coefficients[own + column]! * values[from + column]!;
      scores[row * each + score] = sum;
    }
  return scores;
}

/** Labels and probabilities of rows without gaps; the label is the class with the greatest score. */
export function predictRidge(ridge: Ridge, values: Numbers, count: number) {
  const { classes, intercepts } = ridge;
  const scores = scoresOf(ridge, values, count);
  const labels = new Int32Array(count);
  const probabilities = new Float64Array(count * classes);
  for (let row = 0; row < count; row++) {
    const from = row * intercepts.length;
    probabilitiesOf(scores, from, ridge, probabilities, row * classes);
    // Probabilities of sure classes may be equal where the scores are not.
    labels[row] = classes === 2 ? Number(scores[from]! > 0) : argmax(scores, from, classes);
  }
  return { labels, probabilities };
}
