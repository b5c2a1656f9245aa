// Makes data/train.csv (80 %, by label) and data/test.csv (the rest) from the whole set: node examples/spambase/split.ts
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { splitCsv } from '../../core/dataset/split.ts';

const folder = join(import.meta.dirname, 'data');
const { train, test } = await splitCsv({
  file: join(folder, 'spambase.csv'),
  truth: 'label',
  fraction: 0.8,
  seed: 1,
});
await writeFile(join(folder, 'train.csv'), train);
await writeFile(join(folder, 'test.csv'), test);
