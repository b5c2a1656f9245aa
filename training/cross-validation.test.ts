import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeNames } from '../core/dataset/dataset.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { easyDataset, quickOptions } from './testing.ts';
import { train } from './train.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-folds-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('scores each row by a model of the other folds, and the version learns from all rows', async () => {
  const registry = openRegistry({ folder, name: 'folded' });
  const dataset = easyDataset();
  const { metrics } = await train({ dataset, options: quickOptions, registry, folds: 3 });
  expect(metrics).toMatchObject({ on: 'folds', rows: 150, crossValidation: { by: 'row', all: { rows: 150 } } });
  expect(metrics.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(150);
  const { folds, all } = metrics.crossValidation ?? { folds: [], all: undefined };
  expect(folds.map(({ rows }) => rows)).toEqual([50, 50, 50]);
  expect(all?.accuracy).toBeCloseTo(
    folds.reduce((sum, { accuracy }) => sum + accuracy / 3, 0),
    12,
  );
  expect(all?.accuracy).toBe(metrics.accuracy);
  expect(all?.youden).toBeGreaterThan(0.8);
  await train({ dataset, options: quickOptions, registry });
  const { metrics: plain, ...rest } = await registry.manifest(2);
  expect(plain.on).toBe('holdout');
  // The same rows and seed make the same model, whatever it is scored on.
  expect((await registry.manifest(1)).selfTest).toEqual(rest.selfTest);
});

it('keeps the rows of a device in one fold', async () => {
  // What a device has in common tells its label, and nothing else does: only models that saw the device are right.
  const count = 240;
  const values = new Float64Array(count * 2);
  const device = (row: number) => Math.floor(row / 20);
  for (let row = 0; row < count; row++) values.set([((device(row) * 7919) % 13) / 13, ((row * 31) % 17) / 17], row * 2);
  const dataset = {
    ...{ ...easyDataset(count), fields: ['own', 'noise'], width: 2, values, classes: ['a', 'b'] },
    labels: Int32Array.from({ length: count }, (_, row) => ((device(row) * 5) % 12 < 6 ? 0 : 1)),
  };
  const devices = encodeNames(Array.from({ length: count }, (_, row) => `device ${device(row)}`));
  const folded = async (name: string, more: object) =>
    (
      await train({
        dataset: { ...dataset, ...more },
        options: quickOptions,
        registry: openRegistry({ folder, name }),
        folds: 3,
      })
    ).metrics.crossValidation;
  const [together, apart] = [await folded('together', { devices }), await folded('apart', {})];
  expect(together).toMatchObject({ by: 'device', folds: [{ rows: 80 }, { rows: 80 }, { rows: 80 }] });
  expect(apart?.by).toBe('row');
  const [known, unknown] = [apart?.all.accuracy ?? 0, together?.all.accuracy ?? 1];
  expect(unknown).toBeLessThan(known - 0.2);
});

it('refuses more folds than the rarest label has rows', async () => {
  const registry = openRegistry({ folder, name: 'rare' });
  const trained = train({ dataset: easyDataset(12), options: quickOptions, registry, folds: 5 });
  await expect(trained).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringMatching(/--cv 5 needs 5/),
  });
  expect(await registry.versions()).toEqual([]);
});
