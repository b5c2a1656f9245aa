import type { Manifest, Metrics } from '../core/model/manifest.ts';

/** Rows as the estimator gets them from the imputer, all masked copies of them. */
export interface EstimatorInput {
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly width: number;
}

/** What predicts: its part of a manifest, and its file before it is packed. */
export interface FittedEstimator {
  readonly estimator: Manifest['estimator'] & { readonly file: string };
  readonly json: unknown;
  /** By field, summing to one: how much of the impurity its splits take away. Only of trees that we grew. */
  readonly importance?: number[];
  readonly outOfBag?: Metrics['outOfBag'];
}
