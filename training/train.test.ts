import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDataset, readTable } from '../core/dataset/read.ts';
import { splitTable } from '../core/dataset/split.ts';
import { surveyTable } from '../core/dataset/survey.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import type { TrainingOptions } from './fit.ts';
import { type TrainInput, train } from './train.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

const options: TrainingOptions = { imputer: { kind: 'mean' }, trees: 20, seed: 1, engine: 'gapline', voting: 'mean' };

/** A data set that is easy to learn, with gaps, three classes and an awkward name. */
async function easy(name = 'easy.csv', rows = 150) {
  const lines = Array.from({ length: rows }, (_, row) => {
    const kind = row % 3;
    const noise = ((row * 7919) % 100) / 100;
    const x = row % 7 === 0 ? '' : kind * 2 + noise;
    return `${x},${10 - kind * 3 + noise},${noise},${['red', 'green', 'blue'][kind]}`;
  });
  const file = join(folder, name);
  await writeFile(file, `x,y;,noise,kind\n${lines.join('\n')}\n`);
  return readDataset({ file, truth: 'kind' });
}

const trainEasy = async (name: string, more: Partial<TrainInput> = {}) =>
  train({ dataset: await easy(), options, registry: openRegistry({ folder, name }), ...more });

describe('training', () => {
  it('makes versions, and a champion only where there is none', async () => {
    const first = await trainEasy('counted');
    const second = await trainEasy('counted');
    expect(first).toMatchObject({ identity: { name: 'counted', version: 1 }, champion: 1 });
    expect(second).toMatchObject({ identity: { name: 'counted', version: 2 }, champion: 1 });
    const model = await openRegistry({ folder, name: 'counted' }).current();
    expect(model).toMatchObject({
      identity: { version: 1 },
      fields: ['x', 'y;', 'noise'],
      classes: ['blue', 'green', 'red'],
    });
  });

  it('in too short a time learns from fewer rows and makes fewer trees, and tells both', async () => {
    // Time passes with each look at the clock.
    let leftMs = 1_000;
    const budget = { leftMs: () => (leftMs -= 40), fit: { rows: 1_000, ms: 2_000 }, labelMs: 1 };
    const [dataset, test] = [await easy('large.csv', 1_200), await easy('unseen.csv', 900)];
    const { cuts, metrics, identity } = await trainEasy('hurried', { dataset, test, budget });
    const told = cuts.map((cut) => /^(learns from|makes|scores on) (\d+) of (\d+) (rows|trees)$/.exec(cut));
    expect(told.map((found) => [found?.[1], found?.[3]])).toEqual([
      ['learns from', '1200'],
      ['makes', '20'],
      ['scores on', '900'],
    ]);
    const [learnt, trees, scored] = told.map((found) => Number(found?.[2]));
    expect(learnt).toBeLessThan(400);
    expect(metrics.rows).toBe(scored);
    expect(metrics.accuracy).toBeGreaterThan(0.8);
    const registry = openRegistry({ folder, name: 'hurried' });
    expect((await registry.manifest(identity.version)).lineage.options).toMatchObject({ rows: learnt });
    const forest = JSON.parse(
      gunzipSync(await readFile(join(registry.placeOf(identity.version), 'forest.json.gz'))).toString(),
    );
    expect(forest.baseModel.estimators).toHaveLength(trees ?? 0);
  });

  it('with time enough cuts nothing', async () => {
    const budget = { leftMs: () => 1e9, fit: { rows: 100, ms: 200 }, labelMs: 1 };
    const test = await easy();
    const [hurried, free] = [await trainEasy('timed', { test, budget }), await trainEasy('free', { test })];
    expect(hurried.cuts).toEqual([]);
    expect(hurried.metrics).toEqual(free.metrics);
  });

  it('writes down how good the model is, on rows that it was not trained on, and where it came from', async () => {
    const { metrics } = await trainEasy('scored');
    expect(metrics).toMatchObject({ on: 'holdout', rows: 30 });
    expect(metrics.accuracy).toBeGreaterThan(0.9);
    expect(metrics.confusion.flat().reduce((sum, each) => sum + each)).toBe(30);
    const manifest = await openRegistry({ folder, name: 'scored' }).manifest(1);
    expect(manifest.metrics).toEqual(metrics);
    expect(manifest.lineage).toMatchObject({ data: { source: 'easy.csv', rows: 150 }, seed: 1, options });
    expect(manifest.histograms.map(({ gaps }) => gaps)).toEqual([22, 0, 0]);
    const [x, y, noise] = manifest.importance!;
    expect(x! + y! + noise!).toBeCloseTo(1, 3);
    expect(noise).toBeLessThan(Math.min(x!, y!));
    expect(manifest.selfTest.values.at(-1)).toEqual([null, null, null]);
  });

  it('keeps how right a forest is out of bag', async () => {
    const { metrics } = await trainEasy('out-of-bag', { test: await easy('test.csv', 60) });
    expect(metrics.outOfBag).toMatchObject({ rows: 150 });
    expect(metrics.outOfBag!.accuracy).toBeGreaterThan(0.9);
    expect(metrics.outOfBag!.accuracy).toBeLessThanOrEqual(1);
    expect((await openRegistry({ folder, name: 'out-of-bag' }).manifest(1)).metrics).toEqual(metrics);
  });

  it.each<[string, Partial<TrainingOptions>]>([
    ['copies of a row would give each other away', { copies: [0, 0.3] }],
    ['each of the extra trees sees every row', { forest: { extraTrees: true } }],
    ['boosted trees build on each other', { boosted: {} }],
    ['the library is not used', { engine: 'ml-random-forest', trees: 3 }],
  ])('keeps no out-of-bag score where %s', async (_, more) => {
    const { metrics } = await trainEasy('none', { options: { ...options, ...more } });
    expect(metrics.outOfBag).toBeUndefined();
  });

  it('gives the same forest for the same seed, and another for another', async () => {
    const forests = [];
    for (const seed of [5, 5, 6]) {
      const { place: made } = await trainEasy('seeded', { options: { ...options, seed } });
      forests.push(await readFile(join(made, 'forest.json.gz')));
    }
    expect(forests[1]).toEqual(forests[0]);
    expect(forests[2]).not.toEqual(forests[0]);
  });

  it('scores on the test data that is given', async () => {
    const { metrics } = await trainEasy('tested', { test: await easy('test.csv', 60) });
    expect(metrics).toMatchObject({ on: 'test', rows: 60 });
  });

  it.each(['mean', 'median', 'most_frequent', 'last'] as const)('works with imputer %s', async (kind) => {
    const { metrics } = await trainEasy(kind, { options: { ...options, imputer: { kind } } });
    expect(metrics.accuracy).toBeGreaterThan(0.9);
  });

  it('reports its progress', async () => {
    const reported: string[] = [];
    await trainEasy('reported', { onProgress: ({ step, done, all }) => reported.push(`${step} ${done}/${all}`) });
    expect(reported).toContain('score 20/20');
    expect(reported.at(-1)).toBe('fit 20/20');
  });

  it('with engine ml-random-forest trains and serves with the library itself', async () => {
    const small = { ...options, engine: 'ml-random-forest', trees: 5 } as const;
    const { metrics } = await trainEasy('library', { options: small });
    expect(metrics.accuracy).toBeGreaterThan(0.8);
    const { estimator } = await openRegistry({ folder, name: 'library' }).manifest(1);
    expect(estimator).toMatchObject({ engine: 'ml-random-forest', voting: 'majority' });
  });

  it('with boosted trees writes them whole, and they serve', async () => {
    const { metrics } = await trainEasy('boosted', { options: { ...options, boosted: { learningRate: 0.3 } } });
    expect(metrics.accuracy).toBeGreaterThan(0.9);
    const registry = openRegistry({ folder, name: 'boosted' });
    expect((await registry.manifest(1)).estimator).toMatchObject({ kind: 'forest', file: 'boosted.json.gz' });
    expect((await registry.current()).identity.version).toBe(1);
  });

  it.each([0.4, 1])('with neighbours of weight %d writes them, and they serve', async (share) => {
    const reported: string[] = [];
    const name = `neighbours-${share}`;
    const neighbours = { share, steps: 30 };
    const trained = await trainEasy(name, {
      options: { ...options, neighbours, copies: [0.2] },
      onProgress: ({ step, of, done, all }) => reported.push(`${step} ${done}/${all} ${of}`),
    });
    expect(trained.metrics).toMatchObject({ on: 'holdout', rows: 30 });
    expect(trained.metrics.accuracy).toBeGreaterThan(0.9);
    for (const step of ['score', 'fit']) {
      const order = ['20/20 trees', '1/30 steps', '30/30 steps'].map((each) => reported.indexOf(`${step} ${each}`));
      expect(order).not.toContain(-1);
      expect(order).toEqual([...order].sort((one, other) => one - other));
    }
    expect(reported.at(-1)).toBe('fit 30/30 steps');
    const registry = openRegistry({ folder, name });
    const manifest = await registry.manifest(1);
    expect(manifest).toMatchObject({
      neighbours: { file: 'neighbours.json.gz', share },
      lineage: { options: { neighbours } },
      metrics: trained.metrics,
    });
    const file = JSON.parse(gunzipSync(await readFile(join(trained.place, 'neighbours.json.gz'))).toString());
    expect(file.rows).toHaveLength(150);
    // Its self-test holds the output of both together.
    expect((await registry.current()).identity.version).toBe(1);
  });

  it('boosted trees and the library do not go together', async () => {
    const both = trainEasy('both', { options: { ...options, engine: 'ml-random-forest', boosted: {} } });
    await expect(both).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/grows forests only/),
    });
  });

  it.each([
    ['one label only', 'a,label\n1,x\n2,x\n', /no label but "x"/],
    ['no label at all', 'a,label\n1,\n2,\n', /no label is there to learn/],
  ])('refuses a data set with %s', async (_, text, message) => {
    const file = join(folder, 'bad.csv');
    await writeFile(file, text);
    const dataset = await readDataset({ file, truth: 'label' });
    await expect(trainEasy('bad', { dataset })).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('refuses test data with other columns', async () => {
    const file = join(folder, 'other.csv');
    await writeFile(file, 'x,z,noise,kind\n1,2,3,red\n');
    const test = await readDataset({ file, truth: 'kind' });
    await expect(trainEasy('other', { test })).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(/other value columns/),
    });
  });
});

describe('the Spambase example', () => {
  const example = resolve(import.meta.dirname, '../examples/spambase');

  it.each<[string, Partial<TrainingOptions>]>([
    ['a forest', {}],
    ['boosted trees', { boosted: {} }],
  ])(
    'teaches %s to separate spam from ham: at least 0.94 right on the e-mails that were kept apart',
    async (_, more) => {
      const dataset = await readDataset({ file: join(example, 'data/train.csv'), truth: 'label' });
      const test = await readDataset({ file: join(example, 'data/test.csv'), truth: 'label', fields: dataset.fields });
      const { metrics } = await trainEasy('spambase', { dataset, test, options: { ...options, trees: 100, ...more } });
      expect(metrics.accuracy).toBeGreaterThanOrEqual(0.94);
    },
  );

  it('is its own split: the script makes the same files again', async () => {
    const whole = join(example, 'data/spambase.csv');
    const made = { train: join(folder, 'train.csv'), test: join(folder, 'test.csv') };
    const reading = await readTable({ truth: 'label' }, await surveyTable([whole]));
    await splitTable(reading, { fraction: 0.8, seed: 1, ...made });
    for (const part of ['train', 'test'] as const)
      expect(await readFile(made[part], 'utf8')).toBe(await readFile(join(example, 'data', `${part}.csv`), 'utf8'));
  });

  it('ships a model that loads', async () => {
    const model = await openRegistry({ folder: join(example, 'models'), name: 'spambase' }).load(1);
    expect(model.classes).toEqual(['ham', 'spam']);
    expect(model.fields).toHaveLength(57);
  });
});
