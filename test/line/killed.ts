import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { EventLog } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { eventually, gapline } from './gapline.ts';

const rounds = 3;
/** Readings of a request: devices that send one by one, and gateways. */
const sizes = [1, 1, 1, 1, 20, 300];

export interface Killing {
  readonly args: readonly string[];
  /** Finds the collector's address in what is printed. */
  readonly url: RegExp;
  /** Whether all that was acknowledged is where it belongs. */
  readonly caughtUp: (url: string) => Promise<boolean>;
}

export interface Killed {
  /** The identities that it acknowledged. */
  readonly acknowledged: readonly string[];
  /** What it printed. */
  readonly output: string;
}

/** Loads a process with readings and kills it, some times; after the last start it may catch up. */
export async function killAgainAndAgain({ args, url: address, caughtUp }: Killing): Promise<Killed> {
  const acknowledged: string[] = [];
  let output = '';
  let sent = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const isLast = round === rounds;
    const running = gapline([...args]);
    const url = await running.printed(address);
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
    if (isLast) await eventually(() => caughtUp(url));
    else await sleep(Math.random() * 300);
    running.kill('SIGKILL');
    const { stdout, stderr } = await running.ended;
    output += stdout + stderr;
    dead = true;
    await Promise.all(senders);
  }
  return { acknowledged, output };
}

async function post(url: string, ids: readonly string[]): Promise<number> {
  const body = ids.map((id) => {
    const [device, time] = id.split(' ');
    return JSON.stringify({ device, time, values: { word_freq_make: 0.1 } });
  });
  const headers = { 'content-type': ids.length > 1 ? 'application/x-ndjson' : 'application/json' };
  const answer = await fetch(new URL('/readings', url), { method: 'POST', headers, body: body.join('\n') });
  await answer.text();
  return answer.status;
}

/** The embedded log of a folder, for as long as it is used. */
export async function opened<T>(data: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = createSqliteLog({ file: join(data, 'gapline.db'), logger: pino({ level: 'silent' }), packing: false });
  await log.start();
  try {
    return await use(log);
  } finally {
    await log.stop();
  }
}

/** How often each identity is in a topic. */
export async function counted(log: EventLog, topic: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    for (const { value } of records) {
      const { device, time } = JSON.parse(Buffer.from(value).toString()) as { device: string; time: string };
      counts.set(`${device} ${time}`, (counts.get(`${device} ${time}`) ?? 0) + 1);
    }
  return counts;
}
