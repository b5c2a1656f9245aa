import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Prediction } from '../../core/wire/prediction.ts';
import { eventually, gapline, lastJson, spambase, temporaryFolder } from './gapline.ts';
import { archivedIdentities, identities, ledgerIdentities, predictionsOf } from './identities.ts';

const anyPorts = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

interface Summary {
  readings: number;
  gaps: number;
  labels: number;
  deadLetters: number;
  skipped: number;
  accuracy: number;
  f1: number;
  p50Ms: number;
  p99Ms: number;
  model: { name: string; version: number };
}

test('the embedded line labels real data with gaps, sums up and ends', { timeout: 90_000 }, async () => {
  const data = temporaryFolder();
  const ended = await gapline([
    ...[
      'up',
      '--config',
      spambase,
      '--data',
      data,
      '--labels',
      '500',
      '--summary',
      'json',
      '--set',
      'generator.rate=400',
    ],
    ...anyPorts,
  ]).ended;
  expect(ended.stderr).toBe('');
  expect(ended.code).toBe(0);
  const summary = lastJson<Summary>(ended);
  expect(summary.labels).toBeGreaterThanOrEqual(500);
  expect(summary).toMatchObject({ deadLetters: 0, skipped: 0, model: { name: 'spambase', version: 2 } });
  expect(summary.readings).toBe(summary.labels);
  expect(summary.gaps / summary.readings / 57).toBeGreaterThan(0.08);
  expect(summary.gaps / summary.readings / 57).toBeLessThan(0.12);
  expect(summary.accuracy).toBeGreaterThanOrEqual(0.88);
  expect(summary.f1).toBeGreaterThanOrEqual(0.85);
  expect(summary.p99Ms).toBeGreaterThanOrEqual(summary.p50Ms);
});

test('labels are the same when truth is stripped', { timeout: 120_000 }, async () => {
  const labelled = async (extra: readonly string[]) => {
    const data = temporaryFolder();
    const collector = gapline([
      'up',
      '--config',
      spambase,
      '--data',
      data,
      '--no-generator',
      ...anyPorts,
      '--labels',
      '921',
    ]);
    const url = await collector.printed(/POST (\S+)\/readings/);
    const once = ['--set', 'generator.repeat=false', '--set', 'generator.rate=0', '--set', 'generator.batch=100'];
    const fixed = ['--start', '2026-01-01T00:00:00Z', '--log-level', 'error', '--data', data];
    const generator = await gapline(['generate', '--config', spambase, '--to', url, ...once, ...fixed, ...extra]).ended;
    expect(generator.code).toBe(0);
    expect((await collector.ended).code).toBe(0);
    return predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  };
  const [withTruth, without] = [await labelled([]), await labelled(['--set', 'data.truth='])];
  expect(withTruth).toHaveLength(921);
  expect(withTruth.every(({ truth }) => truth !== undefined)).toBe(true);
  expect(without.every(({ truth }) => truth === undefined)).toBe(true);
  const said = (predictions: Prediction[]) =>
    predictions
      .map(({ device, time, label, probabilities }) => ({ device, time, label, probabilities }))
      .sort((a, b) => (a.device + a.time < b.device + b.time ? -1 : 1));
  expect(said(without)).toEqual(said(withTruth));
});

test('after kill -9 in the middle the line resumes: ledger, archive and predictions agree', {
  timeout: 180_000,
}, async () => {
  const data = temporaryFolder();
  const ledger = join(data, 'ledger.ndjson');
  const file = join(data, 'gapline.db');
  const line = ['up', '--config', spambase, '--data', data, '--ledger', ledger, ...anyPorts];
  const fast = ['--set', 'generator.rate=2000', '--set', 'generator.batch=5'];
  for (let kill = 0; kill < 3; kill += 1) {
    const run = gapline([...line, ...fast]);
    await run.printed(/POST/);
    const before = await accepted(ledger);
    await eventually(async () => (await accepted(ledger)) >= before + 1_500);
    run.kill('SIGKILL');
    await run.ended;
  }
  const last = gapline([...line, ...fast, '--summary', 'json']);
  await last.printed(/POST/);
  const before = await accepted(ledger);
  await eventually(async () => (await accepted(ledger)) >= before + 500);
  last.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);

  // What was still on its way is labelled by a last run without devices.
  const rest = gapline(['up', '--config', spambase, '--data', data, '--no-generator', ...anyPorts]);
  await rest.printed(/POST/);
  const wanted = new Set(ledgerIdentities(ledger));
  await eventually(async () => covers(new Set(await archivedIdentities(file, 'spambase')), wanted));
  await eventually(async () => covers(new Set(identities(await predictionsOf(file, 'spam_predictions'))), wanted));
  rest.kill('SIGTERM');
  expect((await rest.ended).code).toBe(0);

  const readings = await predictionsOf(file, 'spam_data');
  const predictions = await predictionsOf(file, 'spam_predictions');
  expect(identities(predictions).sort()).toEqual(identities(readings).sort());
  const archived = await archivedIdentities(file, 'spambase');
  expect(archived).toHaveLength(new Set(archived).size);
  expect(new Set(archived)).toEqual(new Set(identities(readings)));
});

async function accepted(ledger: string): Promise<number> {
  try {
    return ledgerIdentities(ledger).length;
  } catch {
    return 0;
  }
}

const covers = (have: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean => wanted.isSubsetOf(have);
