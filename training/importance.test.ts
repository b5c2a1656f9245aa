import { expect, it } from 'vitest';
import { encodeTruths } from '../core/dataset/dataset.ts';
import { packAll } from '../core/model/artifact.ts';
import { impurityByField } from '../core/model/importance.ts';
import { httpEstimatorSchema } from '../core/model/kinds/http-schema.ts';
import { respond, rowsOfV2, startServer } from '../core/model/kinds/testing.ts';
import type { Manifest } from '../core/model/manifest.ts';
import { openArtifact } from '../core/model/open.ts';
import { fitCandidate } from './candidate.ts';
import type { TrainingOptions } from './fit.ts';
import { measureImportance } from './importance.ts';
import { score } from './metrics.ts';
import { labelledRows, labelRows } from './rows.ts';
import { easyDataset, quickOptions } from './testing.ts';

const dataset = easyDataset(300);
const { fields, classes } = dataset;
const rows = labelledRows(dataset, classes);
const trialOf = (more: Partial<TrainingOptions> = {}) =>
  fitCandidate({ rows, fields, classes, options: { ...quickOptions, ...more } });

const serverAt = (url: string) => httpEstimatorSchema.parse({ kind: 'http', url, model: 'm' });

/** What is read out of a version that did not write its importance down. */
async function derived(more: Partial<TrainingOptions>) {
  const { parts, unpacked } = await trialOf(more);
  const { importance, ...manifest } = parts;
  return { importance, read: await impurityByField({ manifest, files: await packAll(unpacked) }) };
}

it.each<[string, Partial<TrainingOptions>]>([
  ['a forest', {}],
  ['a forest with indicators', { indicators: true, copies: [0.2] }],
  ['boosted trees', { boosted: {} }],
])('what the splits of %s gain is kept, and can be read from its file', async (_, more) => {
  const { importance, read } = await derived(more);
  expect(read).toHaveLength(3);
  expect(read!.reduce((sum, share) => sum + share)).toBeCloseTo(1, 3);
  expect(read![2]).toBeLessThan(Math.min(read![0]!, read![1]!));
  for (const [at, share] of read!.entries()) expect(share).toBeCloseTo(importance![at]!, 3);
});

it('what the splits of the library gain is read from what it wrote', async () => {
  const { importance, read } = await derived({ engine: 'ml-random-forest', trees: 10 });
  expect(importance).toBeUndefined();
  expect(read!.reduce((sum, share) => sum + share)).toBeCloseTo(1, 3);
  expect(read![2]).toBeLessThan(Math.max(read![0]!, read![1]!) / 4);
});

it.each<[string, Manifest['estimator']]>([
  ['trees of ONNX', { kind: 'forest', file: 'forest.onnx', engine: 'gapline', voting: 'mean' }],
  ['a model server', serverAt('http://127.0.0.1:1/')],
])('of %s there are no gains of splits', async (_, estimator) => {
  const files = new Map([['forest.onnx', new Uint8Array()]]);
  const manifest = { fields: [...fields], classes: [...classes], estimator };
  expect(await impurityByField({ manifest, files })).toBeUndefined();
});

it.each<[string, Partial<TrainingOptions>]>([
  ['a forest', {}],
  ['a forest that takes gaps itself', { imputer: { kind: 'passthrough' } }],
  ['boosted trees behind a conditional mean', { boosted: {}, imputer: { kind: 'gaussian', transform: 'none' } }],
  ['an imputer that remembers', { imputer: { kind: 'last', maxAgeMs: 1_000 } }],
])('shuffling shows that %s depends on the fields that separate the classes and not on noise', async (_, more) => {
  const { model } = await trialOf(more);
  const unseen = easyDataset(150);
  const reported: number[] = [];
  const onProgress = ({ groups }: { groups: number }) => void reported.push(groups);
  const measured = await measureImportance({ model, dataset: unseen, seed: 1, onProgress });
  const labelled = labelledRows(unseen, classes);
  const { accuracy } = score(labelled.labels, await labelRows(model.open(), labelled), 3);
  expect(measured).toMatchObject({ rows: 150, leftOut: 0, accuracy });
  expect(reported).toEqual([1, 2, 3]);
  const [x, y, noise] = measured.byField;
  expect([x!.field, y!.field, noise!.field]).toEqual(['x', 'y;', 'noise']);
  expect(x!.lost + y!.lost).toBeGreaterThan(0.1);
  expect(Math.abs(noise!.lost)).toBeLessThan(Math.max(x!.lost, y!.lost) / 4);
  expect(Math.max(x!.spread, y!.spread)).toBeGreaterThan(0);
});

it('the same seed shuffles alike, another otherwise, and the rows stay as they were', async () => {
  const { model } = await trialOf();
  const before = dataset.values.slice();
  const measure = (seed: number, repeats = 3) => measureImportance({ model, dataset, seed, repeats });
  const [one, two, other] = [await measure(4), await measure(4), await measure(5)];
  expect(two).toEqual(one);
  expect(other.byField).not.toEqual(one.byField);
  expect((await measure(4, 1)).byField.map(({ spread }) => spread)).toEqual([0, 0, 0]);
  expect(dataset.values).toEqual(before);
});

it('a model server is measured like any other model', async () => {
  const server = await startServer((_request, body, response) => {
    const { values, count } = rowsOfV2(body);
    const data = Array.from({ length: count }, (_, row) => (values[row * 3 + 1]! > 8 ? 'red' : 'blue'));
    respond(response, { outputs: [{ name: 'label', datatype: 'BYTES', shape: [count], data }] });
  });
  const model = await openArtifact({
    parts: {
      fields: [...fields],
      classes: [...classes],
      imputer: { kind: 'mean', fill: [0, 0, 0] },
      estimator: serverAt(server.url),
    },
  });
  try {
    const { byField } = await measureImportance({ model, dataset, repeats: 2 });
    expect(byField[1]!.lost).toBeGreaterThan(0.1);
    expect([byField[0]!.lost, byField[2]!.lost]).toEqual([0, 0]);
  } finally {
    await model.close();
    await server.stop();
  }
});

it('rows whose truth the model does not know are left out; without any other there is nothing to measure', async () => {
  const { model } = await trialOf();
  const truths = Array.from(dataset.labels, (label, row) =>
    row % 10 === 0 ? 'violet' : row % 10 === 1 ? undefined : dataset.classes[label],
  );
  expect(
    await measureImportance({ model, dataset: { ...dataset, ...encodeTruths(truths) }, repeats: 1 }),
  ).toMatchObject({
    rows: 240,
    leftOut: 60,
  });
  const unknown = { ...dataset, ...encodeTruths(Array.from(dataset.labels, () => undefined)) };
  await expect(measureImportance({ model, dataset: unknown })).rejects.toMatchObject({
    code: 'data-invalid',
    message: 'easy.csv: no row has a truth that the model knows (blue, green, red)',
  });
});
