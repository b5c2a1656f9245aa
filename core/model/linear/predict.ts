import { argmax } from '../../numeric/argmax.ts';
import { probabilitiesOf } from './calibrate.ts';
import type { Ridge } from './ridge.ts';
import type { Numbers } from './standardise.ts';

/** The scores of rows without gaps, by row and score. */
export function scoresOf({ width, coefficients, intercepts }: Ridge, values: Numbers, count: number): Float64Array {
  const each = intercepts.length;
  const scores = new Float64Array(count * each);
  for (let row = 0; row < count; row++) {
    const from = row * width;
    let score = 0;
    // Each sum waits for its own last addition, so four sums side by side take hardly longer than one.
    for (; score + 4 <= each; score += 4) {
      const [one, two, three, four] = [0, 1, 2, 3].map((next) => (score + next) * width) as [
        number,
        number,
        number,
        number,
      ];
      let first = intercepts[score]!;
      let second = intercepts[score + 1]!;
      let third = intercepts[score + 2]!;
      let fourth = intercepts[score + 3]!;
      for (let column = 0; column < width; column++) {
        const value = values[from + column]!;
        first += coefficients[one + column]! * value;
        second += coefficients[two + column]! * value;
        third += coefficients[three + column]! * value;
        fourth += coefficients[four + column]! * value;
      }
      scores.set([first, second, third, fourth], row * each + score);
    }
    for (; score < each; score++) {
      const own = score * width;
      let sum = intercepts[score]!;
      for (let column = 0; column < width; column++) sum += coefficients[own + column]! * values[from + column]!;
      scores[row * each + score] = sum;
    }
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
