import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { importModel } from '../../training/import.ts';
import { fields, kinds } from './simulator.ts';

// python.json is what `train.py` saw its models predict; versions 3 and 4 are what was imported of it.

interface Expected {
  readonly beats: readonly (readonly number[])[];
  readonly xgboost: readonly (readonly number[])[];
  readonly forest: readonly (readonly number[])[];
}
const expected: Expected = JSON.parse(readFileSync(join(import.meta.dirname, 'python.json'), 'utf8'));
const models = join(import.meta.dirname, 'models');
const made = [
  { version: 3, maker: 'xgboost', impute: 'passthrough', every: 7 },
  { version: 4, maker: 'forest', impute: 'mean', every: Number.POSITIVE_INFINITY },
] as const;
const width = fields.length;
const count = expected.beats.length;

/** The beats, every so manieth sample lost. */
function rowsOf(every: number) {
  const lost = (at: number) => Number.isFinite(every) && (at % width) % every === 0;
  const values = Float64Array.from(expected.beats.flat(), (value, at) => (lost(at) ? Number.NaN : value));
  const devices = Array.from({ length: count }, (_, row) => `row ${row}`);
  return { count, width, values, devices, times: new BigInt64Array(count) };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-ecg-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(made)('version $version predicts what $maker predicted in Python', async ({ version, maker, every }) => {
  const model = await openRegistry({ folder: models, name: 'ecg' }).load(version);
  expect(model.classes).toEqual(kinds);
  const { probabilities } = await model.open().predict(rowsOf(every));
  await model.close();
  expect(probabilities).toHaveLength(2 * count);
  for (const [at, share] of expected[maker].flat().entries()) expect(probabilities[at]).toBeCloseTo(share, 5);
});

test.each(made)('what $maker wrote is imported, and labels as it did', async ({ version, maker, impute, every }) => {
  const registry = openRegistry({ folder, name: maker });
  const truths = expected[maker].map(([normal = 0, abnormal = 0]) => kinds[normal >= abnormal ? 0 : 1]);
  const about = { fields, columns: [], notes: [], file: 'beats', ...encodeTruths(truths) };
  const { count: rows, values } = rowsOf(every);
  const { identity, metrics } = await importModel({
    source: join(models, `ecg/${version}/forest.onnx`),
    dataset: { ...about, count: rows, width, values },
    imputer: { kind: impute },
    voting: 'mean',
    seed: 1,
    classNames: new Map(kinds.map((kind, at) => [String(at), kind])),
    registry,
  });
  expect(identity.version).toBe(1);
  expect(metrics).toMatchObject({ on: 'import', rows: count, accuracy: 1 });
});
