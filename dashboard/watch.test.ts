import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import type { StoredRecord } from '../core/log/port.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { Watch, type WatchOptions } from './watch.ts';

const logger = pino({ level: 'silent' });
const stopping: AbortController[] = [];
afterEach(() => {
  for (const controller of stopping.splice(0)) controller.abort();
});

function watch(log: MemoryLog, options: Partial<WatchOptions> = {}) {
  const controller = new AbortController();
  stopping.push(controller);
  const seen = { values: [] as string[], troubles: [] as (string | null)[], forgotten: 0, skipped: 0, caughtUp: 0 };
  const done = new Watch({
    log,
    topics: ['t'],
    logger,
    signal: controller.signal,
    take: (records: readonly StoredRecord[]) => void seen.values.push(...records.map(({ value }) => `${value}`)),
    forget: () => {
      seen.forgotten += 1;
      seen.values = [];
    },
    trouble: (message) => {
      if (seen.troubles.at(-1) !== message) seen.troubles.push(message);
    },
    skipped: (records) => {
      seen.skipped += records;
    },
    caughtUp: () => {
      seen.caughtUp += 1;
    },
    ...options,
  }).run();
  return { seen, done, controller };
}

const add = (log: MemoryLog, value: string, arrivedMs = Date.now()) => log.add('t', 'k', Buffer.from(value), arrivedMs);

test('reads ten minutes of the past, then follows', async () => {
  const log = new MemoryLog();
  add(log, 'too old', Date.now() - 700_000);
  add(log, 'past', Date.now() - 300_000);
  const { seen } = watch(log);
  await vi.waitFor(() => expect(seen.values).toEqual(['past']));
  await vi.waitFor(() => expect(seen.caughtUp).toBe(1));
  add(log, 'present');
  await vi.waitFor(() => expect(seen.values).toEqual(['past', 'present']));
  expect(seen).toMatchObject({ forgotten: 0, skipped: 0, caughtUp: 1, troubles: [null] });
});

test('reports that the log cannot be read, and resumes where it was, nothing twice', async () => {
  const log = new MemoryLog();
  add(log, 'before');
  const { seen } = watch(log);
  await vi.waitFor(() => expect(seen.caughtUp).toBe(1));
  log.trouble(new Error('no such file'));
  await vi.waitFor(() => expect(seen.troubles).toEqual([null, 'no such file']));
  add(log, 'meanwhile');
  log.trouble();
  await vi.waitFor(() => expect(seen.values).toEqual(['before', 'meanwhile']), { timeout: 10_000 });
  expect(seen.troubles).toEqual([null, 'no such file', null]);
});

test('resumes with less of the past where all of it takes too long', async () => {
  const log = new MemoryLog();
  for (let number = 0; number < 5_000; number += 1) add(log, 'old', Date.now() - 300_000);
  for (let number = 0; number < 10; number += 1) add(log, `new ${number}`, Date.now() - 8_000);
  let slow = true;
  const { seen } = watch(log, {
    pastTimeoutMs: 5,
    take(records) {
      const until = performance.now() + (slow ? 10 : 0);
      while (performance.now() < until);
      seen.values.push(...records.map(({ value }) => `${value}`));
    },
    forget() {
      slow = false;
      seen.forgotten += 1;
      seen.values = [];
    },
  });
  await vi.waitFor(() => expect(seen.caughtUp).toBe(1));
  expect(seen.forgotten).toBe(1);
  expect(seen.values).toEqual(Array.from({ length: 10 }, (_, number) => `new ${number}`));
});

test('skips what it missed when it is far behind, and counts it', async () => {
  const log = new MemoryLog();
  const { seen } = watch(log);
  await vi.waitFor(() => expect(seen.caughtUp).toBe(1));
  add(log, 'first');
  await vi.waitFor(() => expect(seen.values).toEqual(['first']));
  // As if these had waited for a busy reader: they arrived long ago.
  for (let number = 0; number < 3_000; number += 1) add(log, 'late', Date.now() - 20_000);
  await vi.waitFor(() => expect(seen.values.length).toBeGreaterThan(1));
  const taken = seen.values.length;
  await vi.waitFor(() => {
    add(log, 'present');
    expect(seen.values.at(-1)).toBe('present');
  });
  expect(seen.skipped).toBeGreaterThan(0);
  expect(seen.values.filter((value) => value === 'late').length).toBe(taken - 1);
  expect(seen.skipped + taken - 1).toBeGreaterThanOrEqual(3_000);
});

test('ends when its signal is aborted, also while it waits to try again', async () => {
  const log = new MemoryLog();
  log.trouble(new Error('unavailable'));
  const { seen, done, controller } = watch(log);
  await vi.waitFor(() => expect(seen.troubles).toEqual(['unavailable']));
  controller.abort();
  await Promise.race([done, sleep(10_000).then(() => Promise.reject(new Error('it still runs')))]);
});
