import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { EventLog } from '../port.ts';
import { createSqliteLog } from '../sqlite.ts';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const partitions = 4;
const everyMs = 100;

async function open(): Promise<EventLog> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-tail-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const log = createSqliteLog({ file: join(folder, 'log.db'), logger: pino({ level: 'silent' }) });
  await log.start();
  cleanUps.push(() => log.stop());
  await log.ensureTopics([{ name: 't', partitions, retentionMs: 3_600_000 }]);
  return log;
}

let written = 0;
async function append(log: EventLog, count: number): Promise<void> {
  const records = Array.from({ length: count }, () => ({ key: `k${written++}`, value: Buffer.from('x') }));
  await log.append('t', records, { deadlineMs: 10_000 });
}

function watch(log: EventLog, records: number) {
  const aborting = new AbortController();
  cleanUps.push(() => aborting.abort());
  const seen = { taken: 0, passed: 0, byInterval: new Map<number, number>(), offsets: new Set<string>() };
  const sampling = {
    everyMs,
    records,
    skipped: (_topic: string, count: number) => {
      seen.passed += count;
    },
  };
  const reading = (async () => {
    for await (const batch of log.tail(['t'], { since: 0, signal: aborting.signal, sampling })) {
      for (const { partition, offset, arrivedMs } of batch) {
        const interval = Math.floor(arrivedMs / everyMs);
        seen.taken += 1;
        seen.byInterval.set(interval, (seen.byInterval.get(interval) ?? 0) + 1);
        seen.offsets.add(`${partition}@${offset}`);
      }
    }
  })();
  return { seen, reading };
}

test('a topic that grows slowly is returned whole', async () => {
  const log = await open();
  const { seen } = watch(log, 100);
  for (let round = 0; round < 5; round += 1) {
    await append(log, 8);
    await sleep(everyMs);
  }
  await expect.poll(() => seen.taken, { timeout: 10_000 }).toBe(40);
  expect(seen.passed).toBe(0);
});

test('of a flood each interval returns its first records, and the rest is counted; the same holds for the past', async () => {
  const log = await open();
  const { seen: live } = watch(log, 40);
  for (let round = 0; round < 10; round += 1) {
    await append(log, 1_000);
    await sleep(40);
  }
  await expect.poll(() => live.taken + live.passed, { timeout: 10_000 }).toBe(10_000);
  const { seen: past } = watch(log, 40);
  await expect.poll(() => past.taken + past.passed, { timeout: 10_000 }).toBe(10_000);
  for (const seen of [live, past]) {
    expect(seen.offsets.size).toBe(seen.taken);
    for (const count of seen.byInterval.values()) expect(count).toBeLessThanOrEqual(40);
    expect(seen.taken).toBeGreaterThanOrEqual(40);
    expect(seen.byInterval.size).toBeGreaterThan(1);
  }
});

test('after a flood, slow records are returned whole again', async () => {
  const log = await open();
  const { seen } = watch(log, 8);
  await append(log, 500);
  await expect.poll(() => seen.taken + seen.passed, { timeout: 10_000 }).toBe(500);
  const { passed } = seen;
  await sleep(2 * everyMs);
  await append(log, 4);
  await expect.poll(() => seen.taken + seen.passed, { timeout: 10_000 }).toBe(504);
  expect(seen.passed - passed).toBeLessThanOrEqual(1);
});
