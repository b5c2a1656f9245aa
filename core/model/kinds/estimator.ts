import type { DecidingShapelet } from '../series/deciding.ts';

/** What an estimator predicts for rows. The arrays belong to the caller. */
export interface Estimates {
  /** Index of the most probable class by row. */
  readonly labels: Int32Array;
  /** `count * classes`, row-major; each row sums to one. */
  readonly probabilities: Float64Array;
  /** By row, how far the models of an ensemble part, 0 to 1, for kinds that are one: see {@link averageMembers}. */
  readonly spread?: Float64Array;
  /** By row, the shapelet that decided, for kinds that have some. */
  readonly decided?: readonly (DecidingShapelet | undefined)[];
}

/** What stands behind the imputer: rows in, labels and probabilities out. Pure, and all of its state is loaded. */
export interface Estimator {
  /** `values` is row-major. An estimator that takes gaps itself finds NaN in it. */
  predict(values: Float64Array, count: number): Estimates | Promise<Estimates>;
  /** Frees threads, connections, native memory. */
  close(): Promise<void>;
}
