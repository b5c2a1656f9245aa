import { z } from 'zod';
import { openRidge } from '../linear/predict.ts';
import { readRidge } from '../linear/ridge-json.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';

const ridgeEstimatorSchema = z.strictObject({
  kind: z.literal('ridge'),
  file: fileName.describe(
    'a linear classifier: coefficients, intercepts and the temperature of its probabilities, gzipped JSON',
  ),
});

export const ridge = estimatorKind({
  schema: ridgeEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const { predict } = openRidge(readRidge(await json(file), { width: columns.length, classes: classes.length }));
    return { predict, async close() {} };
  },
});
