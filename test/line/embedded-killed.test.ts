import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { EventLog } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';

const rounds = 3;
/** Readings of a request: devices that send one by one, and gateways. */
const sizes = [1, 1, 1, 1, 20, 300];
const [readings, predictions] = ['spam_data', 'spam_predictions'] as const;

test('the line in one process, killed again and again under load, labels each reading of its log once and lost none', async () => {
  const data = temporaryFolder();
  const acknowledged: string[] = [];
  let sent = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const isLast = round === rounds;
    const up = gapline([
      ...['up', '--config', spambase, '--data', data, '--collector-port', '0', '--page-port', '0'],
      ...['--no-generator', '--log-level', 'silent'],
    ]);
    const url = await up.printed(/POST (\S+)/);
    let dead = false;
    const send = async (size: number): Promise<void> => {
      while (!dead) {
        const ids = Array.from({ length: size }, () => {
          sent += 1;
          return `device-${sent % 20} ${1_700_000_000_000 + sent}000000`;
        });
        if ((await post(url, ids).catch(() => 0)) === 202) acknowledged.push(...ids);
      }
    };
    const wanted = acknowledged.length + (isLast ? 0 : 2_000);
    const senders = isLast ? [] : sizes.map(send);
    await eventually(() => acknowledged.length >= wanted);
    if (isLast) await eventually(async () => (await lagOf(data)) === 0);
    else await sleep(Math.random() * 300);
    up.kill('SIGKILL');
    await up.ended;
    dead = true;
    await Promise.all(senders);
  }
  const [taken, labelled] = await opened(data, async (log) => [
    await counted(log, readings),
    await counted(log, predictions),
  ]);
  expect(acknowledged.filter((id) => !taken.has(id))).toEqual([]);
  // A reading whose answer was lost may be in the log without being acknowledged; none is there that was not sent, and none is labelled twice.
  expect([...labelled].filter(([id, count]) => taken.get(id) !== count)).toEqual([]);
  expect(labelled.size).toBe(taken.size);
}, 240_000);

async function post(url: string, ids: readonly string[]): Promise<number> {
  const body = ids.map((id) => {
    const [device, time] = id.split(' ');
    return JSON.stringify({ device, time, values: { word_freq_make: 0.1 } });
  });
  const headers = { 'content-type': ids.length > 1 ? 'application/x-ndjson' : 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: body.join('\n') });
  await answer.text();
  return answer.status;
}

async function opened<T>(data: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = createSqliteLog({ file: join(data, 'gapline.db'), logger: pino({ level: 'silent' }), packing: false });
  await log.start();
  try {
    return await use(log);
  } finally {
    await log.stop();
  }
}

/** Readings of the log that have no label yet. */
const lagOf = (data: string): Promise<number> =>
  opened(data, async (log) => {
    const lags = await log.lag('spambase.classifier', [readings]);
    return lags.reduce((sum, { lag }) => sum + lag, 0);
  });

/** How often each identity is in a topic. */
async function counted(log: EventLog, topic: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    for (const { value } of records) {
      const { device, time } = JSON.parse(Buffer.from(value).toString()) as { device: string; time: string };
      counts.set(`${device} ${time}`, (counts.get(`${device} ${time}`) ?? 0) + 1);
    }
  return counts;
}
