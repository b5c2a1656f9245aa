import { CholeskyDecomposition, Matrix } from 'ml-matrix';

/** A normal distribution of rows of `width` columns, by its mean and the inverse of its covariance. */
export interface Normal {
  readonly width: number;
  readonly mean: Float64Array;
  /** Row-major, `width * width`, symmetric and positive definite. */
  readonly precision: Float64Array;
}

/** What depends on which columns are missing alone. */
interface Pattern {
  /** The columns that are missing, ascending. */
  readonly gaps: Int32Array;
  /** Lower Cholesky factor of the precision of the missing columns, row-major. */
  readonly factor: Float64Array;
}

/** How many numbers the cached factors hold, at most, together: 8 MB. */
const maxCached = 1_000_000;

/**
 * The conditional distribution of the missing columns of a row, given the others. With the precision P, missing columns m and
 * known ones k, the missing are normal with precision P[m,m] and mean `mean[m] - P[m,m]⁻¹ P[m,k] (x[k] - mean[k])`.
 * So one Cholesky factor, of the missing columns only, gives both the mean and draws; it is kept by pattern of gaps.
 * Source: Rue and Held (2005), Gaussian Markov Random Fields, section 2.2.
 */
export class Conditional {
  readonly #normal: Normal;
  /** By pattern, the one that was used longest ago first. */
  readonly #patterns = new Map<string, Pattern>();
  #cached = 0;

  constructor(normal: Normal) {
    this.#normal = normal;
  }

  /** The pattern of the columns that are NaN in `row`; undefined where none is. */
  patternOf(row: Float64Array): Pattern | undefined {
    let key = '';
    for (let column = 0; column < row.length; column++) {
      if (Number.isNaN(row[column]!)) key += String.fromCharCode(column);
    }
    if (key === '') return undefined;
    const known = this.#patterns.get(key);
    this.#patterns.delete(key);
    const pattern = known ?? this.#factorise(Int32Array.from(key, (character) => character.charCodeAt(0)));
    this.#patterns.set(key, pattern);
    if (!known) this.#keep(pattern);
    return pattern;
  }

  /** Puts the conditional mean into the missing columns of `row`. */
  fillMean(row: Float64Array, { gaps, factor }: Pattern): void {
    const { width, mean, precision } = this.#normal;
    const size = gaps.length;
    const change = new Float64Array(size);
    for (let at = 0; at < size; at++) {
      let sum = 0;
      const from = gaps[at]! * width;
      for (let column = 0; column < width; column++) {
        const value = row[column]!;
        if (!Number.isNaN(value)) sum -= precision[from + column]! * (value - mean[column]!);
      }
      change[at] = sum;
    }
    solveLower(factor, size, change);
    solveUpper(factor, size, change);
    for (let at = 0; at < size; at++) row[gaps[at]!] = mean[gaps[at]!]! + change[at]!;
  }

  /** Adds to the missing columns of `row`, which holds the conditional mean, noise with the conditional covariance. */
  addNoise(row: Float64Array, { gaps, factor }: Pattern, normal: () => number): void {
    const noise = Float64Array.from(gaps, normal);
    solveUpper(factor, gaps.length, noise);
    for (let at = 0; at < gaps.length; at++) row[gaps[at]!]! += noise[at]!;
  }

  /** The conditional covariance, row-major. */
  covariance({ gaps, factor }: Pattern): Float64Array {
    const size = gaps.length;
    const covariance = new Float64Array(size * size);
    for (let at = 0; at < size; at++) {
      const row = covariance.subarray(at * size, (at + 1) * size);
      row[at] = 1;
      solveLower(factor, size, row);
      solveUpper(factor, size, row);
    }
    return covariance;
  }

  #factorise(gaps: Int32Array): Pattern {
    const { width, precision } = this.#normal;
    const size = gaps.length;
    const block = new Matrix(size, size);
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        block.set(row, column, precision[gaps[row]! * width + gaps[column]!]!);
    const { lowerTriangularMatrix } = new CholeskyDecomposition(block);
    return { gaps, factor: Float64Array.from(lowerTriangularMatrix.to1DArray()) };
  }

  #keep(pattern: Pattern): void {
    this.#cached += pattern.factor.length;
    for (const [key, oldest] of this.#patterns) {
      if (this.#cached <= maxCached || oldest === pattern) break;
      this.#patterns.delete(key);
      this.#cached -= oldest.factor.length;
    }
  }
}

/** Solves L x = b in place. */
function solveLower(factor: Float64Array, size: number, b: Float64Array): void {
  for (let row = 0; row < size; row++) {
    let sum = b[row]!;
    for (let column = 0; column < row; column++) sum -= factor[row * size + column]! * b[column]!;
    b[row] = sum / factor[row * size + row]!;
  }
}

/** Solves Lᵀ x = b in place. */
function solveUpper(factor: Float64Array, size: number, b: Float64Array): void {
  for (let row = size - 1; row >= 0; row--) {
    let sum = b[row]!;
    for (let below = row + 1; below < size; below++) sum -= factor[below * size + row]! * b[below]!;
    b[row] = sum / factor[row * size + row]!;
  }
}
