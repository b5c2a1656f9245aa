import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import type { Forest } from '../forest/forest.ts';
import { readForestFile } from '../forest/forest-file.ts';
import type { LibraryForest } from '../forest/library-json.ts';
import { importOnnxForest } from '../forest/onnx-import.ts';
import { estimatorKind } from './estimator-kind.ts';
import { fileName } from './file-name.ts';
import { openForest } from './forest.ts';
import { openLibrary } from './library.ts';

const forestEstimatorSchema = z.strictObject({
  kind: z.literal('forest'),
  file: fileName.describe(
    "what ml-random-forest's toJSON() gives, or boosted trees, gzipped; or, with a name that ends in .onnx, an ONNX tree ensemble",
  ),
  engine: z.enum(['gapline', 'ml-random-forest']).describe('who predicts'),
  voting: z.enum(['mean', 'majority']),
});

export const forest = estimatorKind({
  schema: forestEstimatorSchema,
  async open({ file, engine, voting }, { columns, classes, bytes, json }) {
    const shape = { width: columns.length, classes: classes.length };
    if (file.endsWith('.onnx')) return openForest(readOnnxForest(file, bytes(file), shape), voting);
    const content = await json(file);
    const read = readForestFile(content, shape);
    if (read.task !== 'classification')
      throw new GaplineError('model-invalid', `${file} holds a regression forest; a classifier is wanted`);
    if (engine === 'gapline' || read.boosting) return openForest(read, voting);
    return openLibrary({ json: content as LibraryForest, ...shape });
  },
});

function readOnnxForest(
  file: string,
  bytes: Uint8Array,
  { width, classes }: { width: number; classes: number },
): Forest {
  const { forest: read } = importOnnxForest(bytes, { width });
  if (read.task === 'classification' && read.outputs === classes) return read;
  throw new GaplineError('model-invalid', `${file} has ${read.outputs} classes, not ${classes}`);
}
