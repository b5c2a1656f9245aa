import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { gramOf } from './gram-kernel.ts';
import type { Numbers, Standardised } from './standardise.ts';

/** Left singular vectors of rows, and the squares of the singular values. */
export interface Factors {
  /** `count * rank`, row-major. */
  readonly vectors: Float64Array;
  /** By factor, all above zero. */
  readonly values: Float64Array;
  readonly rank: number;
  readonly count: number;
}

/** Smaller than this share of the largest, an eigenvalue is rounding. */
const noise = 1e-10;

/** Decomposes the Gram matrix or the covariance, whichever is smaller. */
export function factorise(data: Standardised): Factors {
  const { values, count, width } = data;
  return count <= width ? fromGram(gramMatrix(values, count, width), count) : fromCovariance(data);
}

function fromGram(gram: Matrix, count: number): Factors {
  const { kept, columns } = decompose(gram);
  const rank = kept.length;
  const vectors = new Float64Array(count * rank);
  for (let row = 0; row < count; row++)
    for (let factor = 0; factor < rank; factor++) vectors[row * rank + factor] = columns.get(row, kept[factor]!.column);
  return { vectors, values: Float64Array.from(kept, ({ value }) => value), rank, count };
}

function fromCovariance({ values, count, width }: Standardised): Factors {
  const { kept, columns } = decompose(gramMatrix(transposed(values, count, width), width, count));
  const rank = kept.length;
  const vectors = new Float64Array(count * rank);
  for (const [factor, { value, column }] of kept.entries()) {
    const axis = Float64Array.from({ length: width }, (_, at) => columns.get(at, column) / Math.sqrt(value));
    for (let row = 0, at = 0; row < count; row++) {
      let sum = 0;
      for (let index = 0; index < width; index++, at++) sum += values[at]! * axis[index]!;
      vectors[row * rank + factor] = sum;
    }
  }
  return { vectors, values: Float64Array.from(kept, ({ value }) => value), rank, count };
}

function gramMatrix(values: Numbers, count: number, width: number): Matrix {
  return Matrix.from1DArray(count, count, gramOf(values, count, width));
}

function decompose(symmetric: Matrix) {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const largest = Math.max(0, ...realEigenvalues);
  const kept = realEigenvalues
    .map((value, column) => ({ value, column }))
    .filter(({ value }) => value > largest * noise);
  return { kept, columns: eigenvectorMatrix };
}

function transposed(values: Numbers, count: number, width: number): Float64Array {
  const into = new Float64Array(values.length);
  for (let row = 0, at = 0; row < count; row++)
    for (let column = 0; column < width; column++, at++) into[column * count + row] = values[at]!;
  return into;
}
