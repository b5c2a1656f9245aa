import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRegistry } from '../core/model/registry/folder.ts';
import { sampleDraft } from '../core/model/testing.ts';
import { versionDescriber } from './describe-version.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-describe-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the committed models of the ECG say what they are and which ten samples they lean on', async () => {
  const models = join(import.meta.dirname, '../examples/ecg/models');
  const describe = versionDescriber(() => openRegistry({ folder: models, name: 'ecg' }));
  const [champion, challenger] = [await describe(1), await describe(2)];
  expect([champion?.estimator, challenger?.estimator]).toEqual(['boosted trees', 'snapshot ensemble']);
  for (const view of [champion, challenger]) {
    const shares = view?.importance?.map(({ share }) => share) ?? [];
    expect(shares).toHaveLength(10);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(view?.importance?.[0]?.name).toMatch(/^s\d+$/);
  }
  expect(await describe(9)).toBeUndefined();
});

test('a forest without written importance is read for it; a version that comes later is found', async () => {
  const registry = openRegistry({ folder, name: 'm' });
  const describe = versionDescriber(() => registry);
  expect(await describe(1)).toBeUndefined();
  const draft = await sampleDraft();
  const { importance: _, ...manifest } = draft.manifest;
  await registry.publish({ ...draft, manifest });
  const view = await describe(1);
  expect(view).toMatchObject({ version: 1, estimator: 'forest' });
  expect(await describe(1)).toBe(view);
});
