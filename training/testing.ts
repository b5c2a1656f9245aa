import type { Dataset } from '../core/dataset/dataset.ts';
import { encodeTruths } from '../core/dataset/dataset.ts';
import type { TrainingOptions } from './options.ts';

/** Training that takes milliseconds. */
export const quickOptions: TrainingOptions = {
  imputer: { kind: 'mean' },
  trees: 20,
  seed: 1,
  engine: 'gapline',
  voting: 'mean',
};

const colours = ['red', 'green', 'blue'];

/** A data set that is easy to learn: two columns tell three classes apart, a third is noise; every seventh row has a gap. */
export function easyDataset(count = 150): Dataset {
  const values = new Float64Array(count * 3);
  for (let row = 0; row < count; row++) {
    const noise = ((row * 7919) % 100) / 100;
    const first = row % 7 === 0 ? Number.NaN : (row % 3) * 2 + noise;
    values.set([first, 10 - (row % 3) * 3 + noise, noise], row * 3);
  }
  const truths = Array.from({ length: count }, (_, row) => colours[row % 3]);
  const { classes, labels } = encodeTruths(truths);
  return {
    file: 'easy.csv',
    fields: ['x', 'y;', 'noise'],
    count,
    width: 3,
    values,
    classes,
    labels,
    columns: [],
    notes: [],
  };
}
