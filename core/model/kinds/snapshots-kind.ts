import { z } from 'zod';
import { compileSnapshots } from '../forest/snapshots.ts';
import { readSnapshots } from '../forest/snapshots-json.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';

const snapshotsEstimatorSchema = z.strictObject({
  kind: z.literal('snapshots'),
  file: fileName.describe('boosted models out of one run, whose probabilities are averaged; gzipped JSON'),
});

export const snapshots = estimatorKind({
  schema: snapshotsEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const predict = compileSnapshots(
      readSnapshots(await json(file), { width: columns.length, classes: classes.length }),
    );
    return { predict, async close() {} };
  },
});
