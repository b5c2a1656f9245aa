export type Numbers = Float64Array | Float32Array;

/** Rows whose columns have the mean 0 and the variance 1, each row times the root of its weight. */
export interface Standardised {
  readonly values: Numbers;
  readonly count: number;
  readonly width: number;
  readonly rootWeights: Float64Array;
  /** By column, before. */
  readonly means: Float64Array;
  /** By column, the standard deviation before; 1 where a column is constant. */
  readonly spreads: Float64Array;
}

/** A spread below this share of the mean is rounding. */
const constantBelow = 1e-9;

export function standardise({
  values,
  count,
  width,
  labels,
  classWeights,
}: {
  readonly values: Numbers;
  readonly count: number;
  readonly width: number;
  readonly labels: Int32Array;
  readonly classWeights?: readonly number[];
}): Standardised {
  const rootWeights = Float64Array.from({ length: count }, (_, row) => Math.sqrt(classWeights?.[labels[row]!] ?? 1));
  const means = new Float64Array(width);
  const spreads = new Float64Array(width);
  let weights = 0;
  for (let row = 0, at = 0; row < count; row++) {
    const weight = rootWeights[row]! ** 2;
    weights += weight;
    for (let column = 0; column < width; column++, at++) means[column]! += weight * values[at]!;
  }
  for (let column = 0; column < width; column++) means[column]! /= weights;
  for (let row = 0, at = 0; row < count; row++) {
    const weight = rootWeights[row]! ** 2;
    for (let column = 0; column < width; column++, at++)
      spreads[column]! += weight * (values[at]! - means[column]!) ** 2;
  }
  for (let column = 0; column < width; column++) {
    const spread = Math.sqrt(spreads[column]! / weights);
    spreads[column] = spread > constantBelow * Math.abs(means[column]!) ? spread : 1;
  }
  const scaled = new (values.constructor as Float64ArrayConstructor)(count * width);
  for (let row = 0, at = 0; row < count; row++) {
    const root = rootWeights[row]!;
    for (let column = 0; column < width; column++, at++)
      scaled[at] = (root * (values[at]! - means[column]!)) / spreads[column]!;
  }
  return { values: scaled, count, width, rootWeights, means, spreads };
}
