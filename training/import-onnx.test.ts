import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTruths } from '../core/dataset/dataset.ts';
import { readDataset } from '../core/dataset/read.ts';
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
    source: join(fixtures, file),
    dataset: await tableOf(table),
    imputer: { kind: 'mean' },
    voting: 'mean',
    registryFolder: folder,
    name,
    onnxRuntime: withoutRuntime,
    ...more,
  });
  const model = await openRegistry({ folder, name }).current();
  const { classes } = model;
  await model.close();
  return { ...imported, classes };
}

describe('a file of skl2onnx', () => {
  it('may have leaves whose 32-bit shares sum to a hair over one', async () => {
    expect((await take('rf10.onnx', 'd.csv')).metrics.accuracy).toBeGreaterThan(0.99);
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
