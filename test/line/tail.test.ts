import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { predictionsOf } from './identities.ts';

const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

test('what a topic holds is printed, of one device, and what arrives later is followed', {
  timeout: 120_000,
}, async () => {
  const data = temporaryFolder();
  const at = ['--config', spambase, '--data', data];
  expect((await gapline(['up', ...at, ...ports, '--labels', '60']).ended).code).toBe(0);
  const tail = (...args: string[]) => gapline(['tail', ...args, ...at]);
  const held: Prediction[] = await predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  const device = 'device-03';
  const ofDevice = held.filter((prediction) => prediction.device === device);
  expect(ofDevice.length).toBeGreaterThan(1);

  const json = await tail('predictions', '--no-follow', '--json', '--device', device).ended;
  expect(
    json.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(ofDevice);
  const [first] = (await tail('predictions', '--no-follow', '--count', '1', '--device', device).ended).stdout.split(
    '\t',
  );
  expect(Date.parse(first ?? '')).toBe(Number(BigInt(ofDevice[0]?.time ?? 0) / 1_000_000n));
  expect((await tail('predictions', '--no-follow', '--since', '2099-01-01T00:00:00Z').ended).stdout).toBe('');

  const log = createSqliteLog({ file: join(data, 'gapline.db'), logger: pino({ level: 'silent' }) });
  await log.start();
  const following = tail('deadletters', '--since', '-1h', '--count', '1');
  const letter = { key: device, value: Buffer.from('no letter \u001b[2J') };
  await log.append('spambase.deadletters', [letter], { deadlineMs: 5_000 });
  const ended = await following.ended;
  await log.stop();
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('unreadable: it is not JSON in UTF-8');
  const asJson = await tail('deadletters', '--no-follow', '--json').ended;
  expect(JSON.parse(asJson.stdout)).toBe('no letter \u001b[2J');
});

test('facts are printed by the device that they are about', { timeout: 120_000 }, async () => {
  const at = ['--config', join(root, 'examples/icu/stream.yaml'), '--data', temporaryFolder()];
  const facts = join(temporaryFolder(), 'facts.ndjson');
  const one = (subject: string, age: number) => ({
    subject,
    kind: 'age',
    from: '1900-01-01T00:00:00Z',
    values: { age },
  });
  writeFileSync(facts, [one('p1', 50), one('p2', 60)].map((fact) => JSON.stringify(fact)).join('\n'));
  const told = await gapline(['facts', 'import', facts, ...at]).ended;
  expect(told, told.stderr).toMatchObject({ code: 0 });
  const tail = (...args: string[]) => gapline(['tail', 'facts', '--no-follow', ...args, ...at]).ended;
  expect((await tail('--device', 'p2')).stdout).toBe('p2\tage\tfrom 1900-01-01T00:00:00Z on\tage=60\n');
  const lines = (await tail('--json')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).subject).sort()).toEqual(['p1', 'p2']);
  const none = await gapline(['tail', 'facts', '--no-follow', '--config', spambase, '--data', temporaryFolder()]).ended;
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('facts is missing')]);
});

test('a signal ends it well, and a wrong request is explained', { timeout: 120_000 }, async () => {
  const at = ['--config', spambase, '--data', temporaryFolder()];
  expect((await gapline(['up', ...at, ...ports, '--labels', '10']).ended).code).toBe(0);
  const following = gapline(['tail', 'readings', ...at, '--since', '-1h']);
  await following.printed(/device/);
  following.kill('SIGTERM');
  expect((await following.ended).code).toBe(0);

  const when = await gapline(['tail', 'readings', ...at, '--since', 'yesterday']).ended;
  expect([when.code, when.stderr]).toEqual([1, expect.stringContaining('--since yesterday: expected a time')]);
  const what = await gapline(['tail', 'labels', ...at]).ended;
  expect([what.code, what.stderr]).toEqual([1, expect.stringContaining('Allowed choices are readings, predictions')]);
  const whose = await gapline(['tail', 'status', ...at, '--device', 'a']).ended;
  expect([whose.code, whose.stderr]).toEqual([1, expect.stringContaining('not of devices')]);
});
