import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { recordsOf } from './identities.ts';

const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];

test('what cannot be read becomes a dead letter that is listed, shown and replayed', { timeout: 90_000 }, async () => {
  const data = temporaryFolder();
  const file = join(data, 'gapline.db');
  const line = () => gapline(['up', '--config', spambase, '--data', data, '--no-generator', ...ports]);
  const first = line();
  await first.printed(/POST/);
  const log = createSqliteLog({ file, logger: pino({ level: 'silent' }) });
  await log.start();
  await log.append('spam_data', [{ key: 'd', value: Buffer.from('{"broken') }], { deadlineMs: 5_000 });
  await log.stop();
  const letters = () => recordsOf<{ stage: string; value: string }>(file, 'spambase.deadletters');
  const byClassifier = async () => (await letters()).filter(({ stage }) => stage === 'classifier');
  await eventually(async () => (await byClassifier()).length === 1);
  expect((await byClassifier())[0]).toMatchObject({ value: '{"broken' });

  const at = ['--config', spambase, '--data', data];
  const listed = await gapline(['deadletters', 'list', ...at]).ended;
  expect(listed.code).toBe(0);
  const row = listed.stdout.split('\n').find((text) => text.includes('classifier')) ?? '';
  const [id = ''] = row.split('\t');
  const shown = await gapline(['deadletters', 'show', id, ...at]).ended;
  expect(JSON.parse(shown.stdout)).toMatchObject({ topic: 'spam_data', value: '{"broken', encoding: 'utf8' });
  const replayed = await gapline(['deadletters', 'replay', id, ...at]).ended;
  expect(replayed.stdout).toBe('1 records appended again\n');
  await eventually(async () => (await byClassifier()).length === 2);
  first.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);

  const unknown = await gapline(['deadletters', 'show', '99/99', ...at]).ended;
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('there is no dead letter 99/99');
});
