import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Spool } from '../../collector/spool/spool.ts';
import { gapline, spambase, temporaryFolder } from './gapline.ts';

const connections = 4;
const rounds = 2;

test('a collector killed again and again while Kafka is unavailable keeps in its spool all that it acknowledged', async () => {
  const data = temporaryFolder();
  // Nobody listens there.
  const withoutLog = ['--log', 'kafka://127.0.0.1:1', '--log-level', 'silent'];
  const acknowledged: string[] = [];
  let number = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const collector = gapline([
      'collect',
      '--config',
      spambase,
      '--data',
      data,
      '--port',
      '0',
      '--no-archive',
      ...withoutLog,
    ]);
    const url = await collector.printed(/collector: (\S+)/);
    let dead = false;
    const send = async (device: number): Promise<void> => {
      while (!dead) {
        number += 1;
        // Of this century: smaller numbers are refused as seconds or milliseconds.
        const time = `${1_700_000_000_000 + number}000000`;
        const status = await post(url!, device, time).catch(() => 0);
        if (status === 202) acknowledged.push(`${device} ${time}`);
      }
    };
    const senders = Array.from({ length: connections }, (_, device) => send(device));
    const wanted = acknowledged.length + 40 * round;
    while (acknowledged.length < wanted) await new Promise((resolve) => setTimeout(resolve, 1));
    collector.kill('SIGKILL');
    await collector.ended;
    dead = true;
    await Promise.all(senders);
  }
  const kept = contents(join(data, 'spambase.spool.db'));
  expect(acknowledged.filter((identity) => !kept.includes(identity))).toEqual([]);
  for (let device = 0; device < connections; device += 1) {
    const times = kept
      .filter((identity) => identity.startsWith(`${device} `))
      .map((identity) => Number(identity.slice(2)));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
}, 120_000);

async function post(url: string, device: number, time: string): Promise<number> {
  const body = JSON.stringify({ device: String(device), time, values: {} });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/readings`, { method: 'POST', headers, body });
  await answer.text();
  return answer.status;
}

/** What a spool holds, in its order. */
function contents(file: string): string[] {
  const spool = new Spool({
    file,
    maxBytes: 1e9,
    logger: pino({ level: 'silent' }),
    lost: (readings) => expect(readings).toBe(0),
    nowMs: Date.now,
  });
  spool.start();
  const records = spool.next(Number.MAX_SAFE_INTEGER)?.records ?? [];
  spool.stop();
  return records.map(({ value }) => {
    const { device, time } = JSON.parse(Buffer.from(value).toString()) as { device: string; time: string };
    return `${device} ${time}`;
  });
}
