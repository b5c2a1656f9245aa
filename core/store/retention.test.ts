import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Point } from '../wire/point.ts';
import type { PackingOptions } from './packed/packing.ts';
import { createSqliteStore } from './sqlite.ts';

const patient = { timeout: 15_000, interval: 20 };
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('retention of the SQLite store', () => {
  let folder: string;
  let file: string;
  let other: DatabaseSync | undefined;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gapline-store-'));
    file = join(folder, 'store.sqlite');
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    other?.close();
    other = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  async function open(
    retentionCheckMs?: number,
    logger = pino({ level: 'silent' }),
    packing: PackingOptions | false = false,
  ) {
    const store = createSqliteStore({ file, logger, retentionCheckMs, packing });
    await store.start();
    stops.push(() => store.stop());
    other ??= new DatabaseSync(file, { timeout: 5_000 });
    return store;
  }

  const points = (device: string, count: number, firstTime = 0n): Point[] =>
    Array.from({ length: count }, (_, index) => ({
      measurement: 'm',
      device,
      time: String(firstTime + BigInt(index)),
      fields: { a: index },
    }));
  const count = () => other!.prepare('SELECT count(*) AS n FROM store_rows').get()!.n as number;
  const marks = () => other!.prepare('SELECT last_row AS row FROM store_marks ORDER BY last_row').all();
  /** As if all that is marked had been written that many days earlier. */
  const age = (days: number) => other!.prepare('UPDATE store_marks SET at = at - ?').run(days * dayMs);
  async function devicesIn(store: Awaited<ReturnType<typeof open>>) {
    const seen = new Map<string, number>();
    const range = { from: '0', to: String(2n ** 62n) };
    for await (const batch of store.read({ measurement: 'm', range })) {
      for (const { device } of batch) seen.set(device, (seen.get(device) ?? 0) + 1);
    }
    return Object.fromEntries(seen);
  }

  it('goes by the time of writing: backfilled points stay, whatever was written 30 days ago goes', async () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    const first = await open(hourMs);
    await first.write(points('old', 2_300, now));
    await first.stop();
    // A mark is made when a store is opened.
    const second = await open(hourMs);
    expect(marks()).toEqual([{ row: 2_300 }]);
    await second.write(points('backfilled', 700));
    // A point that is written again is as old as it was.
    await second.write([{ measurement: 'm', device: 'old', time: String(now), fields: { b: 'again' } }]);
    await second.stop();
    age(29);
    const third = await open(20);
    expect(marks()).toEqual([{ row: 2_300 }, { row: 3_000 }]);
    await third.write(points('later', 10, now));
    expect(count()).toBe(3_010);
    other!.prepare('UPDATE store_marks SET at = at - ? WHERE last_row = 2300').run(2 * dayMs);
    await vi.waitFor(() => expect(marks()).toEqual([{ row: 3_000 }]), patient);
    expect(await devicesIn(third)).toEqual({ backfilled: 700, later: 10 });
    expect(await third.write(points('old', 5, now))).toEqual([]);
    expect(count()).toBe(715);
  });

  it('continues where it was stopped, and numbers of rows that come again are not taken for old ones', async () => {
    const first = await open(hourMs);
    await first.write(points('d', 3_000));
    await first.stop();
    await (await open(hourMs)).stop();
    age(31);
    const deleting = await open(20);
    await vi.waitFor(() => expect(count()).toBeLessThan(3_000), patient);
    await deleting.stop();
    const again = await open(20);
    await vi.waitFor(() => expect(marks()).toEqual([]), patient);
    expect(count()).toBe(0);
    await again.write(points('d', 10));
    await vi.waitFor(() => expect(marks()).toEqual([{ row: 10 }]), patient);
    expect(count()).toBe(10);
  });

  it('deletes packed points by the time of writing too, and takes no new row for an old one', async () => {
    const silent = pino({ level: 'silent' });
    const packing = { pointsPerBlock: 100, atOnce: 10, everyMs: 1, paced: false };
    const blocks = () => other!.prepare('SELECT count(*) AS n FROM store_blocks').get()!.n as number;
    const first = await open(hourMs, silent, packing);
    await first.write(points('old', 1_000));
    await vi.waitFor(() => expect(count()).toBeLessThan(11), patient);
    await first.stop();
    // A mark is made when a store is opened.
    const second = await open(hourMs, silent, packing);
    expect(marks()).toEqual([{ row: 1_000 }]);
    age(31);
    other!.prepare('UPDATE store_blocks SET written_ms = written_ms - ? WHERE last < 500').run(31 * dayMs);
    await second.write(points('new', 40));
    await second.stop();
    const third = await open(20, silent, packing);
    await vi.waitFor(
      () => expect(other!.prepare('SELECT min(first) AS n FROM store_blocks').get()!.n).toBe(0),
      patient,
    );
    await vi.waitFor(async () => expect(await devicesIn(third)).toEqual({ new: 40, old: 500 - 1 }), patient);
    expect(blocks()).toBeGreaterThan(5);
  });

  it('gives way to another writer without a word, and stops at once whoever writes', async () => {
    const warned: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void warned.push(line) });
    const store = await open(undefined, logger);
    await store.write(points('d', 10));
    await store.stop();
    other!.exec('BEGIN IMMEDIATE');
    const waiting = createSqliteStore({ file, logger, busyTimeoutMs: 1 });
    await expect(waiting.start()).rejects.toMatchObject({ code: 'store-unavailable' });
    other!.exec('ROLLBACK');
    await waiting.start();
    other!.exec('BEGIN IMMEDIATE');
    await waiting.stop();
    other!.exec('ROLLBACK');
    expect(warned).toEqual([]);
  });
});
