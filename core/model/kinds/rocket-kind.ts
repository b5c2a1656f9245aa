import { z } from 'zod';
import { RocketTransform } from '../series/rocket.ts';
import { readRocket } from '../series/rocket-json.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';
import { predictSeries } from './series.ts';

const rocketEstimatorSchema = z.strictObject({
  kind: z.literal('rocket'),
  file: fileName.describe(
    'convolutions of a series, their biases, and a ridge classifier on how often they are exceeded; gzipped JSON',
  ),
});

export const rocket = estimatorKind({
  schema: rocketEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const opened = readRocket(await json(file), { width: columns.length, classes: classes.length });
    return predictSeries(new RocketTransform(opened.rocket), opened.ridge, columns.length);
  },
});
