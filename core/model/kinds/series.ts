import { predictRidge } from '../linear/predict.ts';
import type { Ridge } from '../linear/ridge.ts';
import type { Estimator } from './estimator.ts';

/** Turns whole series into features. */
export interface SeriesTransform {
  transform(values: Float64Array, count: number): Float32Array;
}

/** Series that are transformed at a time: their features fit into memory. */
const together = 64;

/** A ridge classifier on features of series of `width` samples. */
export function predictSeries(transform: SeriesTransform, ridge: Ridge, width: number): Estimator {
  const { classes } = ridge;
  return {
    predict(values, count) {
      const labels = new Int32Array(count);
      const probabilities = new Float64Array(count * classes);
      for (let first = 0; first < count; first += together) {
        const some = Math.min(together, count - first);
        const features = transform.transform(values.subarray(first * width, (first + some) * width), some);
        const estimates = predictRidge(ridge, features, some);
        labels.set(estimates.labels, first);
        probabilities.set(estimates.probabilities, first * classes);
      }
      return { labels, probabilities };
    },
    async close() {},
  };
}
