import { z } from 'zod';
import { predictRidge } from '../linear/predict.ts';
import { RocketTransform } from '../series/rocket.ts';
import { readRocket } from '../series/rocket-json.ts';
import { estimatorKind } from './estimator-kind.ts';

/** Windows that are transformed at a time: their features fit into memory. */
const together = 64;

const rocketEstimatorSchema = z.strictObject({
  kind: z.literal('rocket'),
  file: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
    .describe(
      'convolutions of a series, their biases, and a ridge classifier on how often they are exceeded; gzipped JSON',
    ),
});

export const rocket = estimatorKind({
  schema: rocketEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const width = columns.length;
    const opened = readRocket(await json(file), { width, classes: classes.length });
    const transform = new RocketTransform(opened.rocket);
    return {
      predict(values, count) {
        const labels = new Int32Array(count);
        const probabilities = new Float64Array(count * classes.length);
        for (let first = 0; first < count; first += together) {
          const some = Math.min(together, count - first);
          const features = transform.transform(values.subarray(first * width, (first + some) * width), some);
          const estimates = predictRidge(opened.ridge, features, some);
          labels.set(estimates.labels, first);
          probabilities.set(estimates.probabilities, first * classes.length);
        }
        return { labels, probabilities };
      },
      async close() {},
    };
  },
});
