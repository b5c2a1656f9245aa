import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Reading } from '../../core/wire/reading.ts';
import { freePort } from '../servers/process.ts';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { recordsOf } from './identities.ts';

test('a collector that is started while Kafka is unavailable serves devices; the next one brings what they sent', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const collect = (log: string) =>
    gapline(['collect', '--no-archive', '--config', spambase, '--port', '0', '--data', folder, '--log', log]);
  const withoutLog = collect(`kafka://127.0.0.1:${await freePort()}`);
  const url = await withoutLog.printed(/collector: (http\S+)/);
  const sent = await fetch(`${url}/readings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ device: 'early', time: '1700000000000000000', values: {} }),
  });
  expect(sent.status).toBe(202);
  expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ status: 'warn' });
  withoutLog.kill('SIGTERM');
  const ended = await withoutLog.ended;
  expect(ended.code, ended.stderr).toBe(0);

  const file = join(folder, 'log.db');
  const there = collect(file);
  await there.printed(/collector: http/);
  await eventually(async () => (await recordsOf<Reading>(file, 'spam_data')).some(({ device }) => device === 'early'));
  there.kill('SIGTERM');
  expect((await there.ended).code).toBe(0);
});
