import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Matrix } from 'ml-matrix';
import { RandomForestClassifier } from 'ml-random-forest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, encodeTruths } from '../core/dataset/dataset.ts';
import fixture from '../core/model/kinds/fixtures/models.json' with { type: 'json' };
import { respond, rowsOfV2, startServer } from '../core/model/kinds/testing.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { type ImportInput, importModel } from './import.ts';
import { labelledRows, labelRows } from './rows.ts';
import { Scoring } from './scoring.ts';
import { easyDataset } from './testing.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-import-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fixtures = resolve(import.meta.dirname, '../core/model/kinds/fixtures');
const easy = easyDataset();
const rows = labelledRows(easy, easy.classes);

/** The rows of the fixtures, with the label of the forest as truth. */
function fixtureDataset(): Dataset {
  const truths = fixture.forest.map(([ham, spam]) => (spam! > ham! ? 'spam' : 'ham'));
  const values = Float64Array.from(fixture.rows.flat());
  return {
    file: 'f.csv',
    fields: ['a', 'b', 'c'],
    count: truths.length,
    width: 3,
    values,
    ...encodeTruths(truths),
    columns: [],
    notes: [],
  };
}

const into = (name: string, source: string, more: Partial<ImportInput> = {}) =>
  importModel({
    source,
    dataset: easy,
    imputer: { kind: 'mean' },
    voting: 'majority',
    seed: 1,
    registry: openRegistry({ folder, name }),
    ...more,
  });
const load = (name: string) => openRegistry({ folder, name }).current();

/** A forest that the library trained by itself, as its user would have it. */
function libraryForest() {
  const forest = new RandomForestClassifier({ nEstimators: 10, seed: 3, noOOB: true });
  const filled = rows.values.map((value) => (Number.isNaN(value) ? 0 : value));
  forest.train(Matrix.from1DArray(rows.count, 3, filled).to2DArray(), [...rows.labels]);
  return { forest, filled };
}

describe('a bare forest of ml-random-forest', () => {
  it.each(['forest.json', 'forest.json.gz'])('as %s is served with the labels that the library gives', async (file) => {
    const { forest, filled } = libraryForest();
    const text = JSON.stringify(forest);
    await writeFile(join(folder, file), file.endsWith('gz') ? gzipSync(text) : text);
    const { metrics, champion } = await into(`model-${file}`, join(folder, file), {
      imputer: { kind: 'constant', value: 0 },
    });
    const labels = await labelRows((await load(`model-${file}`)).open(), rows);
    expect([...labels]).toEqual(forest.predict(Matrix.from1DArray(rows.count, 3, filled)));
    expect(metrics).toMatchObject({ on: 'import', rows: 150 });
    expect(metrics.accuracy).toBeGreaterThan(0.9);
    const scoring = new Scoring({ classes: 3, seed: 1 });
    await scoring.add(await load(`model-${file}`), rows);
    expect(metrics).toEqual({ on: 'import', ...scoring.figures() });
    expect(metrics.byGapRate?.map(({ rate, rows: masked }) => [rate, masked])).toEqual([
      [0.1, 150],
      [0.3, 150],
      [0.5, 150],
    ]);
    expect(metrics.byGapRate?.at(-1)?.accuracy).toBeLessThan(metrics.accuracy);
    expect(metrics.reliability?.reduce((sum, bin) => sum + bin.rows, 0)).toBe(150);
    expect(champion).toBe(1);
  });

  it('that knows other classes than the data is refused', async () => {
    await writeFile(join(folder, 'other.json'), JSON.stringify(libraryForest().forest));
    const other = into('other', join(folder, 'other.json'), { classes: ['red', 'green'] });
    await expect(other).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/red, green; .* has blue too/),
    });
  });
});

it('whole numbers as labels are in the order of their size', async () => {
  const truths = Array.from({ length: 150 }, (_, row) => String([2, 9, 10][row % 3]));
  const dataset = { ...easy, ...encodeTruths(truths) };
  expect(dataset.classes).toEqual(['10', '2', '9']);
  // Class 0 of that forest is blue, which stands third in the data.
  await writeFile(join(folder, 'numbers.json'), JSON.stringify(libraryForest().forest));
  await into('numbers', join(folder, 'numbers.json'), { dataset });
  expect((await load('numbers')).classes).toEqual(['2', '9', '10']);
});

describe('an ONNX file', () => {
  it('that holds trees is taken into the compiled form, with the probabilities of its maker', async () => {
    const dataset = fixtureDataset();
    const { metrics } = await into('trees', join(fixtures, 'forest.onnx'), { dataset, voting: 'mean' });
    expect(metrics.accuracy).toBe(1);
    const { estimator } = await openRegistry({ folder, name: 'trees' }).manifest(1);
    expect(estimator).toMatchObject({ kind: 'forest', file: 'forest.onnx' });
    const labelled = labelledRows(dataset, dataset.classes);
    const { probabilities } = await (await load('trees')).open().predict(labelled);
    fixture.forest.flat().forEach((share, at) => void expect(probabilities[at]).toBeCloseTo(share, 6));
  });

  it('that holds something else runs on onnxruntime-node', async () => {
    const dataset = fixtureDataset();
    const onnxRuntime = async () => ({
      InferenceSession: {
        create: async () => ({
          inputNames: ['x'],
          outputNames: ['y'],
          run: async () => ({ y: { data: fixture.linear.flat(), dims: [20, 2] } }),
          release: async () => {},
        }),
      },
      Tensor: class {},
    });
    // The runtime of this test knows the whole data set only; a self-test asks for other rows.
    const importing = into('linear', join(fixtures, 'linear.onnx'), { dataset, onnxRuntime });
    await expect(importing).rejects.toMatchObject({
      message: expect.stringMatching(/^model\.onnx gives no probabilities for 2 classes/),
    });
  });

  it('that is cut short, or is none, is refused with its name', async () => {
    const file = join(folder, 'bad.onnx');
    await writeFile(file, 'neither JSON nor ONNX');
    await expect(into('bad', file)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/bad\.onnx: /),
    });
    await expect(into('bad', join(folder, 'none.onnx'))).rejects.toMatchObject({
      message: expect.stringMatching(/none\.onnx cannot be read/),
    });
  });
});

it('a model server predicts for the version that stands for it', async () => {
  const server = await startServer((_request, body, response) => {
    const { values, count } = rowsOfV2(body);
    const data = Array.from(
      { length: count },
      (_, row) => ['red', 'green', 'blue'][Math.round(((10 - values[row * 3 + 1]!) / 3) % 3)] ?? 'red',
    );
    respond(response, { outputs: [{ name: 'label', datatype: 'BYTES', shape: [count], data }] });
  });
  try {
    const { metrics } = await into('remote', server.url, { server: { model: 'm' } });
    expect(metrics.accuracy).toBeGreaterThan(0.6);
    const { labels } = await (await load('remote')).open().predict(rows);
    expect(labels).toHaveLength(150);
  } finally {
    await server.stop();
  }
});
