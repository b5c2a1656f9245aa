import { openRidge } from '../linear/predict.ts';
import type { Ridge } from '../linear/ridge.ts';
import type { DecidingShapelet, DecidingShapelets } from '../series/deciding.ts';
import type { TransformOptions } from '../series/transform-options.ts';
import type { Estimator } from './estimator.ts';

/** Turns whole series into features. */
export interface SeriesTransform {
  /** Of one series. */
  readonly features: number;
  transform(values: Float64Array, count: number, options?: TransformOptions): Float32Array;
}

/** Series that are transformed at a time: their features fit into memory. */
const together = 64;

/** A ridge classifier on features of series of `width` samples. With `deciding` it says which shapelet decided. */
export function predictSeries(
  transform: SeriesTransform,
  ridge: Ridge,
  width: number,
  deciding?: DecidingShapelets,
): Estimator {
  const { classes } = ridge;
  const predictor = openRidge(ridge);
  // As large as megabytes: taken anew each time they make the collector of garbage run.
  let into = new Float32Array(0);
  return {
    predict(values, count) {
      const labels = new Int32Array(count);
      const probabilities = new Float64Array(count * classes);
      const decided: (DecidingShapelet | undefined)[] = [];
      for (let first = 0; first < count; first += together) {
        const some = Math.min(together, count - first);
        const own = some * transform.features;
        if (into.length < own) into = new Float32Array(own);
        const windows = values.subarray(first * width, (first + some) * width);
        const features = transform.transform(windows, some, { into: into.subarray(0, own) });
        const estimates = predictor.predict(features, some);
        labels.set(estimates.labels, first);
        probabilities.set(estimates.probabilities, first * classes);
        for (const [row, label] of estimates.labels.entries())
          if (deciding) decided.push(deciding.of(features, row * ridge.width, label));
      }
      return { labels, probabilities, ...(deciding && { decided }) };
    },
    async close() {},
  };
}
