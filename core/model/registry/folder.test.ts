import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Draft } from '../artifact.ts';
import type { Model } from '../model.ts';
import { sampleDraft } from '../testing.ts';
import { openRegistry } from './folder.ts';
import type { Registry } from './port.ts';

let draft: Draft;
let folder = '';
let registry: Registry;
beforeAll(async () => {
  draft = await sampleDraft();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-registry-'));
  registry = openRegistry({ folder, name: 'm', watchEveryMs: 30 });
});
afterEach(() => rm(folder, { recursive: true }));

const versionOf = async (model: Promise<Model>) => (await model).identity.version;

describe('versions', () => {
  it('made at the same time each get a number of their own', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => openRegistry({ folder, name: 'm' }).publish(draft)));
    expect(made.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4]);
    for (const version of [1, 2, 3, 4]) expect(await versionOf(registry.load(version))).toBe(version);
    expect((await readdir(join(folder, 'm'))).sort()).toEqual(['1', '2', '3', '4']);
  });

  it('are counted by number, not by name, and half-written ones are none', async () => {
    await registry.publish(draft);
    await mkdir(join(folder, 'm', '10'));
    await mkdir(join(folder, 'm', '9'));
    await mkdir(join(folder, 'm', '.new-abc'));
    await mkdir(join(folder, 'm', '07'));
    expect(await registry.versions()).toEqual([1, 9, 10]);
  });

  it('that are not there are reported as missing, with what there is', async () => {
    await expect(registry.current()).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringMatching(/no version yet/),
    });
    await registry.publish(draft);
    await expect(registry.load(3)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringMatching(/no version 3; there are versions 1/),
    });
    const challenger = openRegistry({ folder, name: 'm', alias: 'challenger' });
    await expect(challenger.current()).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringMatching(/no "challenger"/),
    });
  });
});

describe('aliases', () => {
  beforeEach(async () => {
    for (let made = 0; made < 3; made++) await registry.publish(draft);
  });

  it('that hold no number are refused', async () => {
    await writeFile(join(folder, 'm', 'champion'), 'latest\n');
    await expect(registry.current()).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/champion must hold the number/),
    });
  });
});

describe('a watch', () => {
  const deadline = { timeout: 15_000, interval: 20 };

  async function watched(run: (events: { changed: number[]; refused: string[] }) => Promise<void>): Promise<void> {
    const serving = await registry.current();
    const events = { changed: [] as number[], refused: [] as string[] };
    const watch = registry.watch!(serving, {
      onChange: (model) => events.changed.push(model.identity.version),
      onRefused: (error) => events.refused.push((error as Error).message),
    });
    try {
      await run(events);
    } finally {
      await watch.stop();
    }
  }

  beforeEach(async () => {
    await registry.publish(draft);
    await registry.point('champion', 1);
  });

  it('reports why when the alias becomes unreadable, and recovers', async () => {
    await registry.publish(draft);
    await watched(async ({ changed, refused }) => {
      await writeFile(join(folder, 'm', 'champion'), 'two');
      await vi.waitFor(() => expect(refused).toHaveLength(1), deadline);
      await registry.point('champion', 2);
      await vi.waitFor(() => expect(changed).toEqual([2]), deadline);
    });
  });
});

it('reads the history past a line that a crash cut off', async () => {
  await registry.publish(draft);
  await registry.record({ at: '2026-01-01T00:00:00.000Z', to: 1 });
  await appendFile(join(folder, 'm', '.history.ndjson'), '\n{"at":"2026-01-02T0');
  await registry.record({ at: '2026-01-03T00:00:00.000Z', from: 1, to: 2 });
  expect((await registry.history()).map(({ to }) => to)).toEqual([1, 2]);
});
