import { expect, it } from 'vitest';
import { fitCandidate } from './candidate.ts';
import { fitModel } from './fit.ts';
import { maskValues } from './mask.ts';
import { type TrainingOptions, trainingOptions, trainingSchema } from './options.ts';
import { labelledRows, labelRows } from './rows.ts';
import { easyDataset, quickOptions } from './testing.ts';

const dataset = easyDataset();
const { fields, classes } = dataset;
const rows = labelledRows(dataset, classes);
const fresh = labelledRows(easyDataset(300), classes);

async function accuracy(options: TrainingOptions, unseen = fresh): Promise<number> {
  const { model } = await fitCandidate({ rows, fields, classes, options });
  const labels = await labelRows(model.open(), unseen);
  return labels.filter((label, row) => label === unseen.labels[row]).length / unseen.count;
}

const copies = [0, 0.2, 0.4];
it.each<[string, Partial<TrainingOptions>]>([
  ['as it is', {}],
  ['from copies with gaps', { copies }],
  ['with indicators', { indicators: true, copies }],
  ['with a forest that takes gaps itself', { imputer: { kind: 'passthrough' }, copies }],
  ['with a conditional mean', { imputer: { kind: 'gaussian', transform: 'none' } }],
  [
    'with a conditional mean of quantiles, from copies',
    { imputer: { kind: 'gaussian', transform: 'quantile' }, copies },
  ],
  ['with several completions', { imputer: { kind: 'gaussian', transform: 'none', draws: 4 }, indicators: true }],
  ['with extra trees', { forest: { extraTrees: true } }],
  ['with boosted trees', { boosted: {}, copies }],
  ['with boosted trees that take gaps', { boosted: {}, imputer: { kind: 'passthrough' }, copies }],
  ['with a snapshot ensemble that takes gaps', { boosted: {}, snapshots: 3, imputer: { kind: 'passthrough' }, copies }],
  ['with neighbours', { neighbours: { share: 0.5 }, copies }],
  ['with neighbours trained without gaps', { neighbours: { share: 0.5, transform: 'quantile' } }],
  [
    'with neighbours alone, and trees that take gaps',
    { neighbours: { share: 1 }, imputer: { kind: 'passthrough' }, copies },
  ],
  [
    'with neighbours beside boosted trees',
    { boosted: { classWeights: 'balanced' }, neighbours: { share: 0.3 }, copies },
  ],
  ['with balanced classes', { forest: { classWeights: 'balanced', maxDepth: 6, minSamplesLeaf: 2 } }],
])('learns an easy data set %s, and still knows most of it with a third of the values missing', async (_, more) => {
  const options = { ...quickOptions, ...more };
  expect(await accuracy(options)).toBeGreaterThan(0.97);
  expect(await accuracy(options, maskValues(fresh, 0.3, 5))).toBeGreaterThan(0.75);
});

it.each<[string, Partial<TrainingOptions>]>([
  ['on the conditional mean', { imputer: { kind: 'gaussian', transform: 'none' } }],
  ['from copies with indicators', { indicators: true, copies }],
])('ridge %s knows what planes divide: two of the three classes, and much of the one between', async (_, more) => {
  const options: TrainingOptions = { ...quickOptions, ...more, estimator: 'ridge' };
  expect(await accuracy(options)).toBeGreaterThan(0.75);
  expect(await accuracy(options, maskValues(fresh, 0.3, 5))).toBeGreaterThan(0.6);
});

it.each<[string, Partial<TrainingOptions>]>([
  ['gaps', { imputer: { kind: 'passthrough' } }],
  ['boosting', { boosted: {} }],
  ['the library', { engine: 'ml-random-forest' }],
])('ridge is refused with %s', async (_, more) => {
  const options: TrainingOptions = { ...quickOptions, ...more, estimator: 'ridge' };
  await expect(fitModel({ rows, classes: 3, options })).rejects.toMatchObject({ code: 'config-invalid' });
});

it('copies may lose values in another way', async () => {
  const options: TrainingOptions = {
    ...quickOptions,
    boosted: {},
    imputer: { kind: 'passthrough' },
    copies: [0.5, 0.5],
  };
  // Only blue rows ever lose their noise: then a row without noise is blue, whatever else it holds.
  const blue = classes.indexOf('blue');
  const maskCopy = (whole: typeof rows) => {
    const values = whole.values.slice();
    for (const [row, label] of whole.labels.entries()) if (label === blue) values[row * 3 + 2] = Number.NaN;
    return { ...whole, values };
  };
  const { model } = await fitCandidate({ rows, fields, classes, options, maskCopy });
  const input = { ...rows, values: rows.values.map((_, at) => (at % 3 === 0 ? 1 : Number.NaN)) };
  const labels = await labelRows(model.open(), input);
  expect(labels.every((label) => label === blue)).toBe(true);
});

it('masks the share of values that is wanted, the same by seed, and leaves its input alone', () => {
  const before = fresh.values.slice();
  const masked = maskValues(fresh, 0.3, 1);
  const isGap = (value: number) => Number.isNaN(value);
  const share = (masked.values.filter(isGap).length - before.filter(isGap).length) / before.length;
  expect(share).toBeGreaterThan(0.25);
  expect(share).toBeLessThan(0.35);
  expect(maskValues(fresh, 0.3, 1).values).toEqual(masked.values);
  expect(maskValues(fresh, 0.3, 2).values).not.toEqual(masked.values);
  expect(fresh.values).toEqual(before);
});

it('neighbours count as many classes as there are, weighed as the trees weigh them, and fill what they lack', async () => {
  const forest = { classWeights: 'balanced' } as const;
  const labels = rows.labels.map((label, row) => (row < 100 ? 0 : label));
  const options = { ...quickOptions, forest, neighbours: { share: 0.4, transform: 'none', steps: 3 } } as const;
  const { neighbours } = await fitModel({ rows: { ...rows, labels }, classes: 4, options });
  expect(neighbours!.share).toBe(0.4);
  const { rows: voters, labels: votes, shares, classWeights, transforms } = neighbours!.json;
  expect(votes).toEqual([...labels]);
  expect(voters.flat().every(Number.isFinite)).toBe(true);
  for (const [row, values] of voters.entries())
    for (const [field, value] of values.entries())
      if (!Number.isNaN(rows.values[row * 3 + field]!)) expect(value).toBe(rows.values[row * 3 + field]);
  expect(transforms.map(({ kind }) => kind)).toEqual(['none', 'none', 'none']);
  expect(shares).toHaveLength(4);
  // A rare class counts as much as a common one; one without rows counts nothing.
  const counts = [0, 1, 2, 3].map((label) => labels.filter((each) => each === label).length);
  expect(classWeights).toEqual(counts.map((count) => (count > 0 ? rows.count / (4 * count) : 0)));
});

it('neighbours leave the trees as they are', async () => {
  const input = { rows, classes: 3, options: { ...quickOptions, copies } };
  const { neighbours, ...trees } = await fitModel({
    ...input,
    options: { ...input.options, neighbours: { share: 0.5, steps: 2 } },
  });
  expect(neighbours).toBeDefined();
  expect(trees).toEqual(await fitModel(input));
});

it('the library takes no gaps, and is refused', async () => {
  const options = { ...quickOptions, engine: 'ml-random-forest', imputer: { kind: 'passthrough' } } as const;
  await expect(fitModel({ rows, classes: 3, options })).rejects.toMatchObject({ code: 'config-invalid' });
});

it('the configuration becomes options, with every default filled in', () => {
  expect(trainingOptions(trainingSchema.parse({}))).toEqual({
    imputer: { kind: 'mean' },
    trees: 100,
    seed: 1,
    engine: 'gapline',
    voting: 'mean',
    indicators: false,
    copies: [],
    forest: { extraTrees: false, minSamplesLeaf: 1, maxFeatures: 'sqrt' },
  });
  const input = { imputer: 'gaussian', draws: 5, copies: 5, copyGaps: [0, 0.5], maxGaps: 7, classWeights: 'balanced' };
  expect(trainingOptions(trainingSchema.parse(input))).toMatchObject({
    imputer: { kind: 'gaussian', transform: 'log1p', draws: 5 },
    copies: [0, 0.5, 0, 0.5, 0],
    maxGaps: 7,
    forest: { classWeights: 'balanced' },
  });
  const neighbours = { neighbours: 0.4, transform: 'quantile' };
  expect(trainingOptions(trainingSchema.parse(neighbours)).neighbours).toEqual({ share: 0.4, transform: 'quantile' });
  const boosted = { boosted: true, learningRate: 0.05, models: 3, classWeights: 'balanced' };
  expect(trainingOptions(trainingSchema.parse(boosted)).boosted).toEqual({
    learningRate: 0.05,
    models: 3,
    classWeights: 'balanced',
  });
  expect(trainingOptions(trainingSchema.parse({ imputer: 'last', maxAgeSeconds: 5 })).imputer).toEqual({
    kind: 'last',
    maxAgeMs: 5_000,
  });
  expect(trainingOptions(trainingSchema.parse({ imputer: 'constant', constant: 2 })).imputer).toEqual({
    kind: 'constant',
    value: 2,
  });
});
