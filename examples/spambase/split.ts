// Makes data/train.csv (80 %, by label) and data/test.csv (the rest) from the whole set: npx node examples/spambase/split.ts
import { join } from 'node:path';
import { readTable } from '../../core/dataset/read.ts';
import { splitTable } from '../../core/dataset/split.ts';
import { surveyTable } from '../../core/dataset/survey.ts';
import { readArguments } from '../arguments.ts';

readArguments(
  'npx node examples/spambase/split.ts\n\nSplits data/spambase.csv beside this script into train.csv and test.csv.',
  {},
);

const folder = join(import.meta.dirname, 'data');
const survey = await surveyTable([join(folder, 'spambase.csv')]);
await splitTable(await readTable({ truth: 'label' }, survey), {
  fraction: 0.8,
  seed: 1,
  train: join(folder, 'train.csv'),
  test: join(folder, 'test.csv'),
});
