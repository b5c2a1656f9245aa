import { elementAt } from '../../numeric/element.ts';
import { type Calibration, fitTemperature } from './calibrate.ts';
import { conjugateGradients } from './conjugate-gradients.ts';
import { type Factors, factorise } from './factorise.ts';
import { type Numbers, type Standardised, standardise } from './standardise.ts';
import { type Targets, targetsOf } from './targets.ts';

/** Labelled rows without gaps. */
export interface RidgeInput {
  /** `count * width`, row-major. */
  readonly values: Numbers;
  readonly count: number;
  readonly width: number;
  /** By row, the index of its class. */
  readonly labels: Int32Array;
  readonly classes: number;
  /** By class, how much a row of it counts. Default: one. */
  readonly classWeights?: readonly number[];
  /** What alpha is chosen from. Default: {@link defaultAlphas}. */
  readonly alphas?: readonly number[];
  /** With more rows and more columns than this, alpha is chosen on as many rows. Default: 1,000. */
  readonly mostFactored?: number;
  /** Told how much is done: the decomposition, each alpha that was tried, and each score that was solved. */
  readonly onPart?: (done: number, all: number) => void;
}

/** A linear classifier: one score a class, or one alone for two classes, positive for the second. */
export interface Ridge {
  readonly width: number;
  readonly classes: number;
  /** By score and column. */
  readonly coefficients: Numbers;
  /** By score. */
  readonly intercepts: Float64Array;
  /** What scores are multiplied with before softmax. */
  readonly temperature: number;
  readonly alpha: number;
}

/** From 10^-3 to 10^5, two a decade. */
export const defaultAlphas: readonly number[] = Array.from({ length: 17 }, (_, step) => 10 ** (step / 2 - 3));

/**
 * Ridge regression on targets of -1 and 1, a score for each class, columns standardised. Alpha is the one with the least leave-one-out
 * error, which the hat matrix gives for every alpha from one decomposition: of the Gram matrix (n x n) where there are fewer rows than
 * columns, else of the covariance (Rifkin and Lippert, "Notes on regularized least squares", 2007). The same left-out scores calibrate
 * the probabilities.
 */
export function fitRidge(input: RidgeInput): Ridge {
  const { labels, classes, alphas = defaultAlphas, mostFactored = 1_000 } = input;
  const data = standardise(input);
  const targets = targetsOf(data, labels, classes);
  const part = Math.min(data.count, data.width) <= mostFactored ? undefined : evenly(data, mostFactored);
  const factored = part ? pick(data, targets, part) : { data, targets };
  const parts = 1 + alphas.length + targets.columns.length;
  let done = 0;
  const onPart = () => input.onPart?.(++done, parts);
  const factors = factorise(factored.data);
  onPart();
  const { alpha, scores } = chooseAlpha(factored, factors, alphas, onPart);
  const duals = factored.targets.columns.map((column, score) => {
    const dual = part
      ? conjugateGradients(data, elementAt(targets.columns, score), alpha)
      : dualOf(factors, column, alpha);
    onPart();
    return dual;
  });
  const picked = part ? Int32Array.from(part, (row) => elementAt(labels, row)) : labels;
  return {
    ...unscaled(data, targets, duals),
    classes,
    alpha,
    temperature: fitTemperature({ scores, labels: picked, classes }),
  };
}

const evenly = ({ count }: Standardised, most: number): Int32Array =>
  Int32Array.from({ length: Math.min(most, count) }, (_, at) => Math.floor((at * count) / Math.min(most, count)));

function pick({ width, values, rootWeights, ...rest }: Standardised, targets: Targets, rows: Int32Array) {
  const picked = new (values.constructor as Float64ArrayConstructor)(rows.length * width);
  for (const [to, row] of rows.entries())
    picked.set(values.subarray(row * width, (row + 1) * width) as Float64Array, to * width);
  return {
    data: {
      ...rest,
      width,
      count: rows.length,
      values: picked,
      rootWeights: Float64Array.from(rows, (row) => rootWeights[row]!),
    },
    targets: { ...targets, columns: targets.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)) },
  };
}

/** The alpha with the least squared error of rows left out, and their scores, by row. */
function chooseAlpha(
  { data, targets }: { data: Standardised; targets: Targets },
  factors: Factors,
  alphas: readonly number[],
  onAlpha: () => void,
): { alpha: number; scores: Calibration['scores'] } {
  const projected = targets.columns.map((column) => project(factors, column));
  let best = { alpha: 1, error: Number.POSITIVE_INFINITY, scores: new Float64Array(0) };
  for (const alpha of alphas) {
    const left = leaveOneOut(data, targets, factors, projected, alpha);
    if (left.error < best.error) best = { alpha, ...left };
    onAlpha();
  }
  return best;
}

/** By factor: the product with a column. */
function project({ vectors, rank, count }: Factors, column: Float64Array): Float64Array {
  const into = new Float64Array(rank);
  for (let row = 0; row < count; row++)
    for (let factor = 0; factor < rank; factor++) into[factor]! += vectors[row * rank + factor]! * column[row]!;
  return into;
}

function leaveOneOut(
  { count, rootWeights }: Standardised,
  { columns, means }: Targets,
  { vectors, values, rank }: Factors,
  projected: readonly Float64Array[],
  alpha: number,
) {
  const scores = new Float64Array(count * columns.length);
  const shrunk = values.map((value) => value / (value + alpha));
  let weights = 0;
  for (const root of rootWeights) weights += root * root;
  let error = 0;
  for (let row = 0; row < count; row++) {
    const own = row * rank;
    // The mean takes a degree of freedom of its own.
    let leverage = rootWeights[row]! ** 2 / weights;
    for (let factor = 0; factor < rank; factor++) leverage += vectors[own + factor]! ** 2 * shrunk[factor]!;
    for (const [at, column] of columns.entries()) {
      let fitted = 0;
      const by = projected[at]!;
      for (let factor = 0; factor < rank; factor++) fitted += vectors[own + factor]! * shrunk[factor]! * by[factor]!;
      const residual = (column[row]! - fitted) / Math.max(1e-12, 1 - leverage);
      error += residual * residual;
      scores[row * columns.length + at] = (column[row]! - residual) / rootWeights[row]! + means[at]!;
    }
  }
  return { error, scores };
}

/** Of one score, the dual variables: `(K + alpha)^-1 y`. */
function dualOf(factors: Factors, column: Float64Array, alpha: number): Float64Array {
  const { vectors, values, rank, count } = factors;
  const by = project(factors, column).map((sum, factor) => sum / (values[factor]! + alpha));
  const duals = new Float64Array(count);
  for (let row = 0; row < count; row++)
    for (let factor = 0; factor < rank; factor++) duals[row]! += vectors[row * rank + factor]! * by[factor]!;
  return duals;
}

/** Coefficients for rows as they come, not standardised. */
function unscaled(
  { values, count, width, means, spreads }: Standardised,
  targets: Targets,
  duals: readonly Float64Array[],
) {
  const coefficients = new Float64Array(duals.length * width);
  const intercepts = Float64Array.from(targets.means);
  for (const [at, dual] of duals.entries()) {
    const own = coefficients.subarray(at * width, (at + 1) * width);
    for (let row = 0, from = 0; row < count; row++) {
      const factor = dual[row]!;
      for (let column = 0; column < width; column++, from++) own[column]! += factor * values[from]!;
    }
    for (let column = 0; column < width; column++) {
      own[column]! /= spreads[column]!;
      intercepts[at]! -= own[column]! * means[column]!;
    }
  }
  return { width, coefficients, intercepts };
}
