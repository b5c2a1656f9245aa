import { encodeNames } from '../../core/dataset/dataset.ts';
import type { Model } from '../../core/model/model.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { fitCandidate } from '../../training/candidate.ts';
import { trainingOptions, trainingSchema } from '../../training/options.ts';
import { preparationOf, prepareDataset } from '../../training/prepare.ts';
import { type LabelledRows, labelledRows, labelRows } from '../../training/rows.ts';
import type { Part, SeriesSet } from './sets.ts';

const classNames = ({ classes }: SeriesSet): string[] =>
  Array.from({ length: classes }, (_, index) => `class ${index}`);

function rowsOf({ channels, length }: SeriesSet, { values, labels, count }: Part): LabelledRows {
  return {
    count,
    width: channels * length,
    values,
    labels,
    devices: Array.from({ length: count }, (_, row) => `window ${row}`),
    times: new BigInt64Array(count),
  };
}

/** Fits an estimator of whole series to a set. */
export async function fitSeriesModel(set: SeriesSet, estimator: 'rocket' | 'shapelets', seed: number): Promise<Model> {
  const { channels, length } = set;
  const { model } = await fitCandidate({
    rows: rowsOf(set, set.train),
    fields: Array.from({ length: channels * length }, (_, at) => `sample ${at}`),
    classes: classNames(set),
    series: { channels, length },
    options: trainingOptions(
      trainingSchema.parse({ estimator, seed, shapeletLengths: [Math.min(11, Math.max(2, length >> 1))] }),
    ),
  });
  return model;
}

export const predict = async (model: Model, set: SeriesSet, part: Part): Promise<Int32Array> =>
  labelRows(model.open(), rowsOf(set, part));

const perSecond = 1_000;
const features = (length: number): StepSpec[] => [
  { use: 'window', length: `${length}ms`, rate: perSecond },
  { use: 'statistics', minSamples: 2 },
  { use: 'spectrum', minSamples: 2 },
];

/** Statistics and spectrum of each window, and boosted trees on them. */
export async function featuresAndTrees(set: SeriesSet, seed: number): Promise<Int32Array> {
  const { channels, length } = set;
  const names = Array.from({ length: channels }, (_, channel) => `c${channel}`);
  const preparation = preparationOf(features(length), names);
  const rows = (part: Part) => labelledRows(prepareDataset(asSamples(set, part, names), preparation), classNames(set));
  const { model } = await fitCandidate({
    rows: rows(set.train),
    fields: preparation.chain.shape.channels,
    classes: classNames(set),
    preparation,
    options: trainingOptions(trainingSchema.parse({ imputer: 'passthrough', boosted: true, seed })),
  });
  return labelRows(model.open(), rows(set.test));
}

/** Each window as a device's own, a sample a millisecond, and one sample more that closes it. */
function asSamples({ channels, length, ...set }: SeriesSet, part: Part, fields: readonly string[]) {
  const each = length + 1;
  const values = new Float64Array(part.count * each * channels).fill(Number.NaN);
  const [labels, times, devices] = [
    new Int32Array(part.count * each),
    new BigInt64Array(part.count * each),
    [] as string[],
  ];
  for (let row = 0; row < part.count; row++)
    for (let at = 0; at < each; at++) {
      const sample = row * each + at;
      labels[sample] = part.labels[row] ?? 0;
      times[sample] = BigInt(at) * 1_000_000n;
      devices.push(`window ${row}`);
      for (let channel = 0; at < length && channel < channels; channel++)
        values[sample * channels + channel] = part.values[(row * channels + channel) * length + at] ?? Number.NaN;
    }
  return {
    ...{ file: set.name, fields, count: part.count * each, width: channels, values, labels, times },
    classes: classNames({ ...set, channels, length }),
    devices: encodeNames(devices),
    columns: [],
    notes: [],
  };
}

/** The label of the nearest training window, by squared distance. */
export function nearest({ channels, length, train, test }: SeriesSet): Int32Array {
  const width = channels * length;
  return Int32Array.from({ length: test.count }, (_, row) => {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let other = 0; other < train.count; other++) {
      let sum = 0;
      for (let at = 0; at < width && sum < least; at++)
        sum += ((test.values[row * width + at] ?? 0) - (train.values[other * width + at] ?? 0)) ** 2;
      if (sum < least) [best, least] = [other, sum];
    }
    return train.labels[best] ?? 0;
  });
}
