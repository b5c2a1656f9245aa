import { cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, spambase, temporaryFolder } from './gapline.ts';

const doctor = (args: readonly string[], config = spambase) => gapline(['doctor', '--config', config, ...args]).ended;

/** A folder in which the line has run for a moment. */
async function used(): Promise<string> {
  const data = temporaryFolder();
  const run = gapline([
    'up',
    '--config',
    spambase,
    '--data',
    data,
    '--collector-port',
    '0',
    '--page-port',
    '0',
    '--labels',
    '10',
  ]);
  expect((await run.ended).code).toBe(0);
  return data;
}

test('a line that is well has nothing broken', { timeout: 60_000 }, async () => {
  const ended = await doctor(['--data', await used()]);
  expect(ended.stdout).not.toContain('BROKEN');
  expect(ended.stdout).toMatch(/^ok +model +spambase version 1: 57 fields, 2 classes/m);
  expect(ended.stdout).toMatch(/^ok +log +5 topics of 12 partitions/m);
  expect(ended.stdout).toMatch(/^ok +lag +records behind: spambase\.classifier \d+, spambase\.archive \d+/m);
  expect(ended.code).toBe(0);
});

test('a topic with too few partitions is named, with what was asked for', { timeout: 60_000 }, async () => {
  const ended = await doctor(['--data', await used(), '--set', 'log.partitions=24']);
  expect(ended.stdout).toMatch(
    /^BROKEN +log +spam_data has 12 partitions.*log\.partitions asks for 24.*\[topic-mismatch\]$/m,
  );
  expect(ended.code).toBe(1);
});

test('a corrupt model is named', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  writeFileSync(join(folder, 'models/spambase/1/forest.json.gz'), 'not a forest');
  const ended = await doctor(['--data', temporaryFolder()], join(folder, 'stream.yaml'));
  expect(ended.stdout).toMatch(/^BROKEN +model +.*forest\.json\.gz.*\[model-invalid\]$/m);
  expect(ended.code).toBe(1);
});

test('a Kafka that is down is named with its address, and a store that is down with its', {
  timeout: 60_000,
}, async () => {
  const ended = await gapline(
    [
      'doctor',
      '--config',
      spambase,
      '--data',
      temporaryFolder(),
      '--log',
      'kafka://127.0.0.1:1',
      '--store',
      'http://127.0.0.1:2/o/b',
    ],
    { env: { GAPLINE_INFLUXDB_TOKEN: 'a-secret' } },
  ).ended;
  expect(ended.stdout).toMatch(/^BROKEN +log +Kafka at 127\.0\.0\.1:1 does not answer/m);
  expect(ended.stdout).toMatch(/^BROKEN +store +.*127\.0\.0\.1:2/m);
  expect(ended.stdout).not.toContain('a-secret');
  expect(ended.code).toBe(1);
});
