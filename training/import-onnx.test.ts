import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTruths } from '../core/dataset/dataset.ts';
import { readDataset } from '../core/dataset/read.ts';
import { joinFields, lengthDelimited, varint } from '../core/model/forest/protobuf.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { type ImportInput, importModel } from './import.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fixtures = resolve(import.meta.dirname, 'fixtures/onnx');
const tableOf = (name: string) => readDataset({ file: [join(fixtures, name)], truth: 'label' });
const withoutRuntime = async () => {
  throw new Error('there is no ONNX Runtime here');
};

async function take(file: string, table: string, more: Partial<ImportInput> = {}) {
  const name = `m${Math.random().toString(36).slice(2)}`;
  const imported = await importModel({
    source: resolve(fixtures, file),
    dataset: await tableOf(table),
    imputer: { kind: 'mean' },
    voting: 'mean',
    seed: 1,
    registry: openRegistry({ folder, name }),
    onnxRuntime: withoutRuntime,
    ...more,
  });
  const model = await openRegistry({ folder, name }).current();
  const { classes } = model;
  await model.close();
  return { ...imported, classes };
}

const text = (number: number, value: string) => lengthDelimited(number, Buffer.from(value));
const message = (number: number, fields: Parameters<typeof joinFields>[0]) =>
  lengthDelimited(number, joinFields(fields));

/** An attribute of an operator: whole numbers, 32-bit floats or texts, packed or one by one as the format has them. */
function attribute(name: string, values: readonly (number | string)[], kind: 'integers' | 'floats' | 'strings') {
  const floats = Buffer.from(Float32Array.from(values as number[]).buffer);
  const content = {
    integers: () => [lengthDelimited(8, Uint8Array.from(values.flatMap((value) => varint(Number(value)))))],
    floats: () => [lengthDelimited(7, floats)],
    strings: () => values.map((value) => text(9, String(value))),
  };
  return message(5, [text(1, name), ...content[kind]()]);
}

/** A forest of trees that are alike: below 0 in the first column it is class 0, else class 1, each with the same share. */
function forestOf(trees: number, share: number): Uint8Array {
  const each = <T>(values: (tree: number) => readonly T[]) =>
    Array.from({ length: trees }, (_, tree) => values(tree)).flat();
  const operator = [
    text(1, 'x'),
    text(2, 'label'),
    text(2, 'probabilities'),
    text(4, 'TreeEnsembleClassifier'),
    attribute(
      'nodes_treeids',
      each((tree) => [tree, tree, tree]),
      'integers',
    ),
    attribute(
      'nodes_nodeids',
      each(() => [0, 1, 2]),
      'integers',
    ),
    attribute(
      'nodes_featureids',
      each(() => [0, 0, 0]),
      'integers',
    ),
    attribute(
      'nodes_truenodeids',
      each(() => [1, 0, 0]),
      'integers',
    ),
    attribute(
      'nodes_falsenodeids',
      each(() => [2, 0, 0]),
      'integers',
    ),
    attribute(
      'nodes_modes',
      each(() => ['BRANCH_LEQ', 'LEAF', 'LEAF']),
      'strings',
    ),
    attribute(
      'nodes_values',
      each(() => [0, 0, 0]),
      'floats',
    ),
    attribute(
      'class_treeids',
      each((tree) => [tree, tree]),
      'integers',
    ),
    attribute(
      'class_nodeids',
      each(() => [1, 2]),
      'integers',
    ),
    attribute(
      'class_ids',
      each(() => [0, 1]),
      'integers',
    ),
    attribute(
      'class_weights',
      each(() => [share, share]),
      'floats',
    ),
    attribute('classlabels_int64s', [0, 1], 'integers'),
  ];
  const outputs = ['label', 'probabilities'].map((name) => message(12, [text(1, name)]));
  return joinFields([message(7, [message(1, operator), message(11, [text(1, 'x')]), ...outputs])]);
}

describe('a file of skl2onnx', () => {
  it('may have leaves whose 32-bit shares sum to a hair over one', async () => {
    expect((await take('rf10.onnx', 'd.csv')).metrics.accuracy).toBeGreaterThan(0.99);
  });

  it.each([10, 20, 500])('of %i trees is taken where the shares of its leaves sum to more than one', async (trees) => {
    const share = Math.fround(1 / trees);
    expect(share * trees).toBeGreaterThan(1);
    const file = join(folder, `trees-${trees}.onnx`);
    await writeFile(file, forestOf(trees, share));
    const { classes, metrics } = await take(file, 'd.csv');
    expect(classes).toEqual(['0', '1']);
    expect(metrics.rows).toBeGreaterThan(100);
  });

  it('with an imputer and a scaler before its forest is compiled, with gaps or without', async () => {
    for (const kind of ['mean', 'passthrough'] as const) {
      const { metrics, warnings } = await take('imp.onnx', 'gaps.csv', { imputer: { kind } });
      expect(metrics.accuracy).toBe(1);
      expect(warnings).toEqual([]);
    }
  });

  it('that says nothing of gaps is taken with a warning where gaps reach it', async () => {
    expect((await take('rf_nan.onnx', 'gaps.csv')).warnings).toEqual([]);
    const { warnings } = await take('rf_nan.onnx', 'gaps.csv', { imputer: { kind: 'passthrough' } });
    expect(warnings).toEqual([expect.stringMatching(/no node of its trees says where a gap goes.*--impute mean/)]);
  });

  it('that is no forest says why it is not compiled, what it needs, and that the runtime is missing', async () => {
    await expect(take('pipe.onnx', 'gaps.csv')).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/no ONNX Runtime here; Gapline cannot compile it: .*LinearClassifier/),
    });
  });
});

describe('names of classes', () => {
  const named = async (names: readonly [string, string]) => {
    const dataset = await tableOf('d.csv');
    const truths = [...dataset.labels].map((label) => names[Number(dataset.classes[label])] ?? '');
    return { ...dataset, ...encodeTruths(truths) };
  };

  it('that differ are refused with the option that maps them, and it maps them', async () => {
    for (const names of [
      ['False', 'True'],
      ['0.0', '1.0'],
      ['no', 'yes it is'],
    ] as const) {
      const dataset = await named(names);
      const pairs = `0=${names[0]},1=${names[1]}`;
      await expect(take('rf.onnx', 'd.csv', { dataset })).rejects.toMatchObject({
        message: expect.stringContaining(`--classes ${/ /.test(pairs) ? `'${pairs}'` : pairs}`),
      });
      const classNames = new Map([
        ['0', names[0]],
        ['1', names[1]],
      ]);
      const taken = await take('rf.onnx', 'd.csv', { dataset, classNames });
      expect(taken.classes).toEqual(names);
      expect(taken.metrics.accuracy).toBeGreaterThan(0.89);
    }
  });

  it('that the file does not have, or that become one, are refused', async () => {
    const dataset = await named(['False', 'True']);
    await expect(take('rf.onnx', 'd.csv', { dataset, classNames: new Map([['2', 'x']]) })).rejects.toThrow(
      'names 0, 1',
    );
    const one = new Map([
      ['0', 'x'],
      ['1', 'x'],
    ]);
    await expect(take('rf.onnx', 'd.csv', { dataset, classNames: one })).rejects.toThrow('one name: x, x');
  });
});
