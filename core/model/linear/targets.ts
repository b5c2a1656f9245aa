import type { Standardised } from './standardise.ts';

/** By score, a column of as many numbers as there are rows; each row times the root of its weight. */
export interface Targets {
  readonly columns: readonly Float64Array[];
  /** By score: the mean before it was taken away. */
  readonly means: Float64Array;
}

/** Targets of -1 and 1: a column a class, of two classes one for the second. */
export function targetsOf({ count, rootWeights }: Standardised, labels: Int32Array, classes: number): Targets {
  const scored = classes === 2 ? [1] : Array.from({ length: classes }, (_, index) => index);
  const means = new Float64Array(scored.length);
  const columns = scored.map((index, at) => {
    const column = Float64Array.from({ length: count }, (_, row) => (labels[row] === index ? 1 : -1));
    let sum = 0;
    let weights = 0;
    for (let row = 0; row < count; row++) {
      const weight = rootWeights[row]! ** 2;
      sum += weight * column[row]!;
      weights += weight;
    }
    const mean = sum / weights;
    means[at] = mean;
    for (let row = 0; row < count; row++) column[row] = (column[row]! - mean) * rootWeights[row]!;
    return column;
  });
  return { columns, means };
}
