import { expect, test } from 'vitest';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { gramOf } from './gram-kernel.ts';
import { openScorer } from './score-kernel.ts';

function numbers(length: number, seed: number): Float64Array {
  const random = mulberry32(seed);
  return Float64Array.from({ length }, () => random() - 0.5);
}

test.each([
  [1, 1],
  [3, 5],
  [4, 128],
  [5, 129],
  [13, 300],
  [67, 40],
])('products of %i rows of %i columns are those of plain loops, bit for bit', (count, width) => {
  for (const values of [numbers(count * width, 1), Float32Array.from(numbers(count * width, 2))]) {
    const gram = gramOf(values, count, width);
    const plain = new Float64Array(count * count);
    for (let left = 0; left < count; left++)
      for (let right = 0; right < count; right++)
        for (let at = 0; at < width; at++)
          plain[left * count + right]! += values[left * width + at]! * values[right * width + at]!;
    expect(gram).toEqual(plain);
  }
});

test.each([
  [1, 7],
  [2, 1],
  [3, 50],
  [16, 9],
  [17, 33],
  [52, 21],
])('%i scores of %i columns are those of plain loops, bit for bit', (scores, width) => {
  const intercepts = numbers(scores, 4);
  const count = 3;
  const values = Float32Array.from(numbers(count * width, 5));
  const classes = Math.max(2, scores);
  const doubles = numbers(scores * width, 3);
  for (const coefficients of [doubles, Float32Array.from(doubles)]) {
    const score = openScorer({ width, classes, coefficients, intercepts, temperature: 1, alpha: 1 });
    const plain = Float64Array.from({ length: count * scores }, (_, at) => {
      const [row, which] = [Math.floor(at / scores), at % scores];
      let sum = intercepts[which]!;
      for (let column = 0; column < width; column++)
        sum += coefficients[which * width + column]! * values[row * width + column]!;
      return sum;
    });
    expect(score(values, count)).toEqual(plain);
    expect(score(values, count)).toEqual(plain);
  }
});
