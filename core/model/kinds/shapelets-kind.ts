import { z } from 'zod';
import { DecidingShapelets } from '../series/deciding.ts';
import { readShapelets } from '../series/shapelet-json.ts';
import { ShapeletTransform } from '../series/shapelets.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';
import { predictSeries } from './series.ts';

const shapeletsEstimatorSchema = z.strictObject({
  kind: z.literal('shapelets'),
  file: fileName.describe(
    'samples that a series is searched for, and a ridge classifier on how well they fit; gzipped JSON',
  ),
});

export const shapelets = estimatorKind({
  schema: shapeletsEstimatorSchema,
  async open({ file }, { columns, classes, json }) {
    const { set, ridge, means } = readShapelets(await json(file), { width: columns.length, classes: classes.length });
    const deciding = means && new DecidingShapelets(set, ridge, means);
    return predictSeries(new ShapeletTransform(set), ridge, columns.length, deciding);
  },
});
