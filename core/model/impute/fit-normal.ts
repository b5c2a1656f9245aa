import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import type { Table } from '../rows.ts';
import { Conditional, type Normal } from './conditional.ts';

/** More rows than this improve a covariance little; they are taken evenly from the table. */
const maxRows = 4_000;
const maxRounds = 30;
/** The largest change of a correlation at which the fit has converged. */
const settled = 0.002;
/** Shrinkage: the share by which correlations are drawn towards zero: keeps the covariance positive definite where columns depend on each other. */
const shrinkage = 0.01;

/**
 * Learns a normal distribution from rows with gaps by expectation and maximisation. Columns should be scaled to variance one.
 * Source: Dempster, Laird and Rubin (1977); Little and Rubin, Statistical Analysis with Missing Data, section 11.2.
 */
export function fitNormal(table: Table): Normal {
  const rows = sampleRows(table);
  const { width } = table;
  const complete = !rows.some((row) => row.some(Number.isNaN));
  let moments: Moments = { mean: new Float64Array(width), covariance: identity(width) };
  for (let round = 0; round < maxRounds; round++) {
    const next = expectMoments(rows, width, toNormal(moments));
    const change = largestChange(moments.covariance, next.covariance);
    moments = next;
    // Without gaps one round is all there is to learn.
    if (complete || change < settled) break;
  }
  return toNormal(moments);
}

interface Moments {
  readonly mean: Float64Array;
  /** Row-major. */
  readonly covariance: Float64Array;
}

function sampleRows({ count, width, values }: Table): Float64Array[] {
  const taken = Math.min(count, maxRows);
  return Array.from({ length: taken }, (_, at) => {
    const row = Math.floor((at * count) / taken);
    return values.subarray(row * width, (row + 1) * width);
  });
}

/** The moments of the rows, where each gap counts with its expectation under the present distribution. */
function expectMoments(rows: readonly Float64Array[], width: number, normal: Normal): Moments {
  const conditional = new Conditional(normal);
  const covariance = new Float64Array(width * width);
  const mean = new Float64Array(width);
  const filled = rows.map((known) => {
    const row = known.slice();
    const pattern = conditional.patternOf(row);
    if (pattern) {
      conditional.fillMean(row, pattern);
      addBlock(covariance, width, pattern.gaps, conditional.covariance(pattern));
    }
    for (let column = 0; column < width; column++) mean[column]! += row[column]! / rows.length;
    return row;
  });
  for (const row of filled) {
    for (let column = 0; column < width; column++) row[column]! -= mean[column]!;
    addProducts(covariance, width, row);
  }
  for (let at = 0; at < covariance.length; at++) covariance[at]! /= rows.length;
  mirror(covariance, width);
  return { mean, covariance };
}

function addBlock(covariance: Float64Array, width: number, columns: Int32Array, block: Float64Array): void {
  for (let row = 0; row < columns.length; row++)
    for (let column = 0; column <= row; column++)
      covariance[columns[row]! * width + columns[column]!]! += block[row * columns.length + column]!;
}

/** Adds to the lower triangle. */
function addProducts(covariance: Float64Array, width: number, row: Float64Array): void {
  for (let left = 0; left < width; left++) {
    const value = row[left]!;
    if (value === 0) continue;
    for (let right = 0; right <= left; right++) covariance[left * width + right]! += value * row[right]!;
  }
}

function mirror(matrix: Float64Array, width: number): void {
  for (let row = 0; row < width; row++)
    for (let column = 0; column < row; column++) matrix[column * width + row] = matrix[row * width + column]!;
}

function largestChange(before: Float64Array, after: Float64Array): number {
  return after.reduce((most, value, at) => Math.max(most, Math.abs(value - before[at]!)), 0);
}

function identity(width: number): Float64Array {
  const matrix = new Float64Array(width * width);
  for (let at = 0; at < width; at++) matrix[at * width + at] = 1;
  return matrix;
}

/** Inverts the covariance, drawn a little towards a diagonal one. */
function toNormal({ mean, covariance }: Moments): Normal {
  const width = mean.length;
  const shrunk = new Matrix(width, width);
  for (let row = 0; row < width; row++) {
    for (let column = 0; column < width; column++) {
      const value = covariance[row * width + column]!;
      // A column without spread explains nothing: any small variance will do.
      shrunk.set(row, column, row === column ? value + 1e-6 : value * (1 - shrinkage));
    }
  }
  const inverse = new CholeskyDecomposition(shrunk).solve(Matrix.eye(width, width));
  const precision = Float64Array.from(inverse.to1DArray());
  mirror(precision, width);
  return { width, mean, precision };
}
