import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { sampleDraft } from '../../core/model/testing.ts';
import { doubleModel } from '../testing/doubles.ts';
import { changingSource, fields, type Line, openLine, patient } from '../testing/line.ts';

let line: Line;
let folder: string;
beforeEach(async () => {
  line = await openLine();
  folder = mkdtempSync(join(tmpdir(), 'gapline-models-'));
});
afterEach(async () => {
  await line.close();
  rmSync(folder, { recursive: true, force: true });
});

test('that a version has other steps than the configuration is said at the start, and when it takes over', async () => {
  const smooth = (time: string) => [{ use: 'smooth', time }] as const;
  const version = (number: number, time: string) => doubleModel({ version: number, steps: smooth(time) });
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (text) => void lines.push(JSON.parse(text).msg) });
  const source = changingSource(version(1, '1s'));
  const classifier = await line.classify(source, { logger, configuredSteps: smooth('2s') });
  expect(lines).toEqual([expect.stringMatching(/^model double version 1 .* trained with, not with `steps`/)]);
  for (const next of [version(2, '2s'), version(3, '1s')]) {
    source.change(next);
    await vi.waitFor(() => expect(classifier.totals().model?.version).toBe(next.identity.version), patient);
  }
  expect(lines.slice(1)).toEqual([expect.stringMatching(/^model double version 3 /)]);
});

test('moving an alias in the folder swaps the model under load; a broken version is refused with the reason', async () => {
  const models = openRegistry({ folder, name: 'm' });
  await models.publish(await sampleDraft({ fields, seed: 1 }));
  await models.publish(await sampleDraft({ fields, seed: 2, imputer: { kind: 'last' } }));
  await models.publish(await sampleDraft({ fields, seed: 3 }));
  await models.point('champion', 1);
  const challengers = { resolve: () => models.resolve('challenger'), load: (version: number) => models.load(version) };
  const classifier = await line.classify(models, { challengers });

  let time = 0;
  const round = async () => {
    time += 1;
    await line.send(...['p', 'q', 'r'].map((device) => ({ device, time, values: { a: time % 10, b: null } })));
  };
  /** Sends until a condition holds. */
  const until = (condition: () => unknown) =>
    vi.waitFor(async () => {
      await round();
      await condition();
    }, patient);

  await until(() => expect(classifier.totals().model?.version).toBe(1));
  await models.point('champion', 2);
  await until(() => expect(classifier.totals().model?.version).toBe(2));
  await models.point('challenger', 1);
  await until(() => expect(classifier.totals().comparison.readings).toBeGreaterThan(0));

  writeFileSync(join(models.placeOf(3), 'model.json'), '{}');
  await models.point('champion', 3);
  await until(async () => expect((await line.status()).lastError?.message).toContain('corrupt'));
  await classifier.taken(time * 3);

  const made = await line.predictions();
  expect(made).toHaveLength(time * 3);
  expect(new Set(made.map((one) => `${one.device} ${one.time}`)).size).toBe(time * 3);
  expect(new Set(made.map(({ model }) => model.version))).toEqual(new Set([1, 2]));
  const { totals } = classifier;
  expect(totals()).toMatchObject({ model: { name: 'm', version: 2 }, challenger: { version: 1 }, deadLetters: 0 });
  const shadow = await line.predictions(line.stream.topics.shadow);
  expect(new Set(shadow.map(({ model }) => model.version))).toEqual(new Set([1]));
  expect(shadow).toHaveLength(totals().comparison.readings);
});
