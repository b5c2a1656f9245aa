import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRegistry } from '../core/model/registry/folder.ts';
import type { Registry } from '../core/model/registry/port.ts';
import { promote } from '../core/model/registry/promotion.ts';
import { sampleDraft } from '../core/model/testing.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { ModelChoice } from './model-choice.ts';
import { openServing } from './serving-models.ts';

let folder = '';
let registry: Registry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-choice-'));
  await writeFile(join(folder, 'stream.yaml'), 'stream: m\n');
  registry = openRegistry({ folder: join(folder, 'models'), name: 'm' });
  for (const seed of [1, 2, 3]) await registry.publish(await sampleDraft({ seed }));
  await registry.point('mean', 1);
});
afterEach(() => rm(folder, { recursive: true }));

const load = (...set: string[]): LoadedConfig => loadConfig(join(folder, 'stream.yaml'), set);
const servedBy = async ({ models }: ModelChoice) => {
  const model = await models.current();
  await model.close();
  return model.identity.version;
};

test('the versions with an alias may be chosen; the challenger is none of them', async () => {
  await registry.point('challenger', 2);
  expect(await new ModelChoice(load()).options()).toEqual([
    { version: 3, names: ['champion'], serves: true },
    { version: 1, names: ['mean'], serves: false },
  ]);
  expect(await new ModelChoice(load('model.alias=mean')).options()).toEqual([
    { version: 1, names: ['mean'], serves: true },
    { version: 3, names: ['champion'], serves: false },
  ]);
  const pinned = await new ModelChoice(load('model.alias="2"')).options();
  expect(pinned[0]).toEqual({ version: 2, names: [], serves: true });
});

test('another version than that of the alias may challenge, and is no option then', async () => {
  await registry.point('next', 2);
  const choice = new ModelChoice(load('model.challenger=next'));
  expect((await choice.options()).map(({ version }) => version)).toEqual([3, 1]);
  const { challengers } = openServing(load('model.challenger=next'), choice);
  expect(await challengers.resolve()).toBe(2);
  choice.follow(load('model.challenger="1"'));
  expect(await challengers.resolve()).toBe(1);
});

test('what was chosen serves, and nothing is written', async () => {
  const before = await readdir(join(folder, 'models/m'));
  const choice = new ModelChoice(load());
  await choice.choose(1);
  expect(await servedBy(choice)).toBe(1);
  expect((await choice.options()).filter(({ serves }) => serves)).toMatchObject([{ version: 1 }]);
  expect(await servedBy(new ModelChoice(load()))).toBe(3);
  expect(await readdir(join(folder, 'models/m'))).toEqual(before);
  await choice.choose(3);
  expect(await servedBy(choice)).toBe(3);
});

test('a version that is no option is refused, and the choice stays', async () => {
  const choice = new ModelChoice(load());
  await choice.choose(1);
  for (const version of [2, 9]) {
    await expect(choice.choose(version)).rejects.toMatchObject({
      code: 'control-invalid',
      message: `version ${version} is no option; send one of 3, 1`,
    });
  }
  expect(await servedBy(choice)).toBe(1);
});

test('a promotion ends the choice, and so do other keys of the model', async () => {
  const choice = new ModelChoice(load());
  await choice.choose(1);
  await promote(registry, 2);
  expect(await servedBy(choice)).toBe(2);
  await promote(registry, 3);
  expect(await servedBy(choice)).toBe(3);
  await choice.choose(1);
  choice.follow(load('model.folder=./models'));
  expect(await servedBy(choice)).toBe(3);
});
