import { z } from 'zod';
import { predictLogistic, readLogistic } from '../linear/logistic.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';

const logisticEstimatorSchema = z.strictObject({
  kind: z.literal('logistic'),
  file: fileName.describe('a logistic model: coefficients, intercept, classes and fields, gzipped JSON'),
});

export const logistic = estimatorKind({
  schema: logisticEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const opened = readLogistic(await json(file), columns, classes);
    return { predict: (values, count) => predictLogistic(opened, values, count), async close() {} };
  },
});
