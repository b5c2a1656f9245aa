import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Dataset, encodeNames, encodeTruths } from '../core/dataset/dataset.ts';
import { readManifest } from '../core/model/artifact.ts';
import { labelledRow } from '../core/model/labelled-row.ts';
import { loadModel } from '../core/model/open.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { elementAt } from '../core/numeric/element.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { fitCandidate } from './candidate.ts';
import { compare } from './compare.ts';
import { type FitProgress, fitModel } from './fit.ts';
import { measureImportance } from './importance.ts';
import { trainingOptions, trainingSchema } from './options.ts';
import { preparationOf, prepareDataset } from './prepare.ts';
import { labelledRows, labelRows } from './rows.ts';
import { pickSelfTestRows } from './self-test-rows.ts';
import { train } from './train.ts';

const perSecond = 50;
const steps = [{ use: 'window', length: '1s', rate: perSecond }, { use: 'series' }] as const;
const preparation = preparationOf(steps, ['x', 'y']);

/** Devices that hum at 3 Hz, and others at 4 Hz with the same strength; a tenth of the samples is missing. */
function humming(devices: number, seconds: number, seed: number): Dataset {
  const random = mulberry32(seed);
  const rows = Array.from({ length: devices * seconds * perSecond }, (_, index) => {
    const device = Math.floor(index / (seconds * perSecond));
    const at = index % (seconds * perSecond);
    const angle = (2 * Math.PI * (device % 2 === 0 ? 3 : 4) * at) / perSecond + device;
    return { device, at, x: Math.sin(angle) + 0.6 * (random() - 0.5), y: random(), isLost: random() < 0.1 };
  });
  return {
    file: 'humming.csv',
    fields: ['x', 'y'],
    count: rows.length,
    width: 2,
    values: Float64Array.from(rows.flatMap(({ x, y, isLost }) => (isLost ? [Number.NaN, Number.NaN] : [x, y]))),
    ...encodeTruths(rows.map(({ device }) => (device % 2 === 0 ? 'slow' : 'fast'))),
    devices: encodeNames(rows.map(({ device }) => `device ${device}`)),
    times: BigInt64Array.from(rows, ({ at }) => BigInt(at) * 20_000_000n),
    columns: [],
    notes: [],
  };
}

test.each([
  { estimator: 'rocket', features: 500 },
  { estimator: 'shapelets', shapelets: 200, shapeletLengths: [7, 11] },
])('whole windows with gaps are learnt, by channel, and load again: %j', async (settings) => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-series-'));
  try {
    const dataset = prepareDataset(humming(8, 12, 1), preparation);
    expect(dataset.width).toBe(2 * perSecond);
    const options = trainingOptions(trainingSchema.parse(settings));
    const registry = openRegistry({ folder, name: 'hum' });
    const { place } = await train({ dataset, preparation, options, registry });
    const manifest = await readManifest(place);
    expect(manifest.series).toEqual({ channels: ['x', 'y'], length: perSecond });
    expect(manifest.histograms).toHaveLength(2);
    expect(manifest.imputer).toMatchObject({ kind: 'linear', length: perSecond });
    const model = await loadModel(place);
    const unseen = labelledRows(prepareDataset(humming(6, 8, 2), preparation), model.classes);
    const labels = await labelRows(model.open(), unseen);
    const right = labels.filter((label, row) => label === elementAt(unseen.labels, row)).length;
    expect(right / unseen.count).toBeGreaterThan(0.95);
    const importance = await measureImportance({ model, dataset: humming(6, 8, 2), repeats: 2, seed: 1 });
    expect(importance.byField.map(({ field }) => field).slice(9, 11)).toEqual([
      'x, samples 45 to 49 of 50',
      'y, samples 0 to 4 of 50',
    ]);
    await model.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Whole segments: a row has the samples of both channels. */
function segments(devices: number, seconds: number, seed: number): Dataset {
  const {
    values,
    width,
    count,
    labels,
    classes,
    devices: of,
    times,
  } = prepareDataset(humming(devices, seconds, seed), preparation);
  const fields = ['x', 'y'].flatMap((name) => Array.from({ length: perSecond }, (_, at) => `${name}${at}`));
  const table = { file: 'segments.csv', fields, columns: [], notes: [] };
  return { ...table, ...{ values, width, count, labels, classes, devices: of, times } };
}

test('whole segments in rows are series of their channels; trees on the same rows have columns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-segments-'));
  try {
    const given = segments(8, 12, 1);
    const along = [0, perSecond].map((first) => ({
      ...{ use: 'smooth', time: '20ms', rate: perSecond, along: 'row' },
      channels: given.fields.slice(first, first + perSecond),
    }));
    const own = preparationOf(along, given.fields);
    const dataset = prepareDataset(given, own);
    const trained = async (name: string, settings: object) => {
      const options = trainingOptions(trainingSchema.parse(settings));
      return (await train({ dataset, preparation: own, options, registry: openRegistry({ folder, name }) })).place;
    };
    const place = await trained('rocket', { estimator: 'rocket', features: 500 });
    const { series, histograms, imputer } = await readManifest(place);
    expect(series).toEqual({ channels: ['x', 'y'], length: perSecond });
    expect(histograms).toHaveLength(2);
    expect(imputer).toMatchObject({ kind: 'linear', length: perSecond });
    const model = await loadModel(place);
    const unseen = labelledRows(prepareDataset(segments(6, 8, 2), own), model.classes);
    const labels = await labelRows(model.open(), unseen);
    const right = labels.filter((label, row) => label === elementAt(unseen.labels, row)).length;
    expect(right / unseen.count).toBeGreaterThan(0.95);
    const rows = { ...unseen, count: 1, devices: ['a'], times: new BigInt64Array(1) };
    const first = labelledRow(model, rows, await model.open().predict(rows), 0);
    expect(first.gaps).toBeGreaterThan(0);
    expect(first.filled).toEqual({});
    await model.close();
    const trees = await readManifest(await trained('trees', { trees: 3 }));
    expect(trees.series).toBeUndefined();
    expect(trees.histograms).toHaveLength(2 * perSecond);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a table of samples without steps is a series of one channel', async () => {
  const { fields, classes, ...rest } = segments(4, 4, 1);
  const rows = labelledRows({ fields, classes, ...rest }, classes);
  const options = trainingOptions(trainingSchema.parse({ estimator: 'rocket', features: 84 }));
  const { parts, model } = await fitCandidate({ rows, fields, classes, options });
  expect(parts.series).toEqual({ channels: ['x0'], length: 2 * perSecond });
  await model.close();
});

test('a self-test of very wide rows is of few of them, with fewer digits', () => {
  const width = 2_000;
  const values = Float64Array.from({ length: 8 * width }, (_, at) => Math.sin(at));
  const labels = Int32Array.of(0, 0, 0, 0, 0, 0, 0, 1);
  const rows = { count: 8, width, values, labels, devices: [], times: new BigInt64Array(8) };
  const picked = pickSelfTestRows(rows);
  expect(picked).toHaveLength(5);
  expect(JSON.stringify(picked).length).toBeLessThan(100_000);
  const narrow = { ...rows, count: 8, width: 10, values: values.subarray(0, 80) };
  expect(pickSelfTestRows(narrow)).toHaveLength(13);
  expect(pickSelfTestRows(narrow).flat()).toContain(Math.sin(79));
});

test.each([{ indicators: true }, { neighbours: 0.3 }, { boosted: true }])(
  'what a series has no use for is refused: %j',
  async (more) => {
    const options = trainingOptions(trainingSchema.parse({ estimator: 'rocket', ...more }));
    const rows = labelledRows(prepareDataset(humming(2, 3, 1), preparation), ['fast', 'slow']);
    await expect(fitModel({ rows, classes: 2, options })).rejects.toMatchObject({ code: 'config-invalid' });
  },
);

test('a window of fewer samples than rocket needs is refused, with the reason; shapelets take their shorter lengths', async () => {
  const short = preparationOf([{ use: 'window', length: '160ms', rate: perSecond }, { use: 'series' }], ['x']);
  const { dataset, ...rest } = { dataset: humming(4, 4, 1), classes: 2 };
  const single = { ...dataset, fields: ['x'], width: 1, values: dataset.values.filter((_, at) => at % 2 === 0) };
  const rows = labelledRows(prepareDataset(single, short), ['fast', 'slow']);
  expect(rows.width).toBe(8);
  const series = { channels: 1, length: 8 };
  const learn = (settings: object) =>
    fitModel({ rows, series, ...rest, options: trainingOptions(trainingSchema.parse(settings)) });
  await expect(learn({ estimator: 'rocket' })).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringContaining('a window has 8 samples; rocket needs at least 9'),
  });
  await expect(learn({ estimator: 'shapelets', shapeletLengths: [11] })).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringContaining('a window has 8 samples, fewer than each of shapeletLengths'),
  });
  const { estimator } = await learn({ estimator: 'shapelets', shapelets: 20, shapeletLengths: [5, 11] });
  expect(estimator.kind).toBe('shapelets');

  const ways = [
    { name: 'rocket', settings: { estimator: 'rocket' } },
    { name: 'shapelets', settings: { estimator: 'shapelets', shapelets: 20, shapeletLengths: [5] } },
  ].map(({ name, settings }) => ({ name, options: trainingOptions(trainingSchema.parse(settings)) }));
  const parts = { dataset: prepareDataset(single, short), preparation: short };
  const task = { ...parts, candidates: ways, rates: [0], seed: 1 };
  await expect(compare(task)).rejects.toMatchObject({ code: 'data-invalid' });
  const unsuited: string[] = [];
  const told: string[] = [];
  const compared = await compare({
    ...task,
    onUnsuited: (name, reason) => unsuited.push(`${name}: ${reason}`),
    onProgress: (name, { of, done, all }) => done === all && told.push(`${name}: ${of}`),
  });
  expect(told).toEqual(['shapelets: shapelets', 'shapelets: windows', 'shapelets: ridge parts']);
  expect(compared.map(({ name }) => name)).toEqual(['shapelets']);
  expect(unsuited).toEqual([expect.stringContaining('rocket: a window has 8 samples')]);
});

test.each([
  [{ estimator: 'rocket', features: 500 }, ['kernels', 'windows', 'ridge parts']],
  // Few short windows hold fewer shapelets than are asked for: all that there are is all.
  [{ estimator: 'shapelets', shapelets: 5_000, shapeletLengths: [7] }, ['shapelets', 'windows', 'ridge parts']],
  [{ estimator: 'ridge', imputer: 'mean' }, ['ridge parts']],
])('the parts of a fit are reported one after the other, each to its end: %j', async (settings, parts) => {
  const rows = labelledRows(prepareDataset(humming(4, 4, 1), preparation), ['fast', 'slow']);
  const series = { channels: 2, length: perSecond };
  const options = trainingOptions(trainingSchema.parse(settings));
  const told: FitProgress[] = [];
  await fitModel({ rows, series, classes: 2, options, onProgress: (now) => told.push(now) });
  expect([...new Set(told.map(({ of }) => of))]).toEqual(parts);
  for (const part of parts) {
    const own = told.filter(({ of }) => of === part);
    expect(own.length).toBeGreaterThan(10);
    expect(own.at(-1)?.done).toBe(own.at(-1)?.all);
    for (const [at, { done, all }] of own.entries()) {
      expect(done).toBeGreaterThanOrEqual(own[at - 1]?.done ?? 1);
      expect(done).toBeLessThanOrEqual(all);
    }
    // In this order: none begins again once another one has begun.
    expect(told.slice(told.findIndex(({ of }) => of === part)).slice(0, own.length)).toEqual(own);
  }
});
