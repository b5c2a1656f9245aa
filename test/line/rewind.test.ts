import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Prediction } from '../../core/wire/prediction.ts';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { archivedIdentities, identities, predictionsOf } from './identities.ts';

const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

test('a line that is set back labels again with a new model, the same identities', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  const [config, data] = [join(folder, 'stream.yaml'), join(folder, 'data')];
  const at = ['--config', config, '--data', data];
  const labelled = () => predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  const running = gapline(['up', ...at, ...ports]);
  await running.printed(/POST/);
  await eventually(async () => (await labelled()).length >= 60);
  const busy = await gapline(['rewind', ...at, '--to', '-1d', '--yes']).ended;
  expect([busy.code, busy.stderr]).toEqual([1, expect.stringMatching(/spambase\.classifier.*\[group-active\]/)]);
  running.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
  const first = await labelled();

  const train = ['train', '--config', config, '--set', 'training.trees=5', '--log-level', 'error'];
  expect((await gapline(train).ended).code).toBe(0);
  expect((await gapline(['models', 'promote', '3', '--config', config]).ended).code).toBe(0);

  const planned = await gapline(['rewind', ...at, '--to', '-1d']).ended;
  expect(planned.stdout).toContain(`would take ${first.length} readings again`);
  expect(await labelled()).toHaveLength(first.length);
  const done = await gapline(['rewind', ...at, '--to', '-1d', '--yes']).ended;
  expect(done.stdout).toContain(`set back by ${first.length} readings`);
  expect(done.code).toBe(0);

  const again = await gapline(['up', ...at, ...ports, '--no-generator', '--labels', String(first.length)]).ended;
  expect(again.code).toBe(0);
  const all = await labelled();
  const by = (version: number) => all.filter(({ model }: Prediction) => model.version === version);
  // What was in the log and not labelled yet is labelled by the new model alone.
  expect(new Set(identities(by(3))).isSupersetOf(new Set(identities(by(2))))).toBe(true);
  expect(identities(by(2)).sort()).toEqual(identities(first).sort());
  expect(new Set(identities(by(3))).size).toBe(by(3).length);
});

test('a store that lost its points gets them from the log again', { timeout: 60_000 }, async () => {
  const data = temporaryFolder();
  const at = ['--config', spambase, '--data', data];
  const archive = (...more: string[]) => gapline(['archive', ...at, '--log-level', 'error', ...more]);
  expect((await gapline(['up', ...at, ...ports, '--labels', '60']).ended).code).toBe(0);
  const lost = join(data, 'other.db');
  const rewound = await gapline(['rewind', ...at, '--to', '2020-01-01T00:00:00Z', '--stage', 'archive', '--yes']).ended;
  expect(rewound.stdout).toMatch(/^spambase\.archive is set back by \d+ readings/);
  const running = archive('--store', lost);
  await running.printed(/health and metrics/);
  const before = new Set(await archivedIdentities(join(data, 'gapline.db'), 'spambase'));
  await expect
    .poll(async () => new Set(await archivedIdentities(lost, 'spambase')).isSupersetOf(before), { timeout: 30_000 })
    .toBe(true);
  running.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
});

test('a time that is none is refused', { timeout: 30_000 }, async () => {
  const ended = await gapline(['rewind', '--config', spambase, '--data', temporaryFolder(), '--to', 'yesterday']).ended;
  expect([ended.code, ended.stderr]).toEqual([
    1,
    expect.stringMatching(/--to yesterday: expected a time.*\[config-invalid\]/),
  ]);
});
