import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppendError, type EventLog } from '../../core/log/port.ts';
import { type Status, statusSchema } from '../../core/wire/status.ts';
import { pumps, quickFolder, startCollector, type TestCollector, until } from '../testing.ts';

let folder: string;
let started: TestCollector;
let unavailable = false;
beforeEach(async () => {
  folder = quickFolder();
  // The log always takes status reports, so that the test can read them; readings only while it is available.
  const wrap = (log: EventLog): EventLog =>
    new Proxy(log, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (name !== 'append') return typeof value === 'function' ? value.bind(target) : value;
        return (topic: string, ...rest: [never, never]) =>
          unavailable && topic === pumps.topics.readings
            ? Promise.reject(new AppendError('refused', 'unavailable'))
            : target.append(topic, ...rest);
      },
    });
  started = await startCollector({ wrap, spool: { file: join(folder, 'spool.db') } });
});
afterEach(async () => {
  await started.stop();
  rmSync(folder, { recursive: true, force: true });
});

const post = async (time: number): Promise<number> => {
  const body = JSON.stringify({ device: 'd', time: `170000000000000000${time}`, values: { a: 1 } });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${started.collector.url}/readings`, { method: 'POST', headers, body })).status;
};

const figure = async (name: string): Promise<number> => {
  const metrics = await (await fetch(`${started.collector.url}/metrics`)).text();
  return Number(new RegExp(`^gapline_collector_spool_${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
};

/** Reports to the log, newest last. */
const reports = async (): Promise<Status[]> => {
  const found: Status[] = [];
  for await (const records of started.log.tail([pumps.topics.status], { since: 0, follow: false }))
    for (const { value } of records) found.push(statusSchema.parse(JSON.parse(Buffer.from(value).toString())));
  return found;
};

test("the spool's size, age and drain rate are in /metrics and in the status report", async () => {
  unavailable = true;
  for (const time of [1, 2, 3]) expect(await post(time)).toBe(202);
  expect(await figure('readings')).toBe(3);
  expect(await figure('bytes')).toBeGreaterThan(100);
  await until(
    () => figure('oldest_seconds'),
    (seconds) => seconds > 0,
  );
  expect(await figure('drained_per_second')).toBe(0);
  const waiting = await until(
    async () => (await reports()).at(-1)?.spool,
    (spool) => spool?.records === 3,
  );
  expect(waiting).toMatchObject({ bytes: await figure('bytes'), drainedPerSecond: 0 });
  expect(waiting?.oldestMs).toBeGreaterThan(0);

  unavailable = false;
  await until(
    () => figure('drained_per_second'),
    (rate) => rate > 0,
  );
  await until(
    () => figure('readings'),
    (readings) => readings === 0,
  );
  const drained = await until(
    async () => (await reports()).map(({ spool }) => spool?.drainedPerSecond ?? 0),
    (rates) => Math.max(...rates) > 0,
  );
  expect(Math.max(...drained)).toBeLessThanOrEqual(3);
  expect((await started.readings()).map(({ time }) => time)).toEqual(
    [1, 2, 3].map((time) => `170000000000000000${time}`),
  );
});
