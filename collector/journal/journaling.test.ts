import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AppendError, type EventLog, type LogRecord } from '../../core/log/port.ts';
import { createCollectorMetrics } from '../metrics.ts';
import { Spool } from '../spool/spool.ts';
import { createSpools, type Spools } from '../spools.ts';
import { quickFolder, silent, until } from '../testing.ts';
import { UnknownFields } from '../unknown-fields.ts';
import { Journal } from './journal.ts';

/** A log in memory that a test can hold up or make unavailable. */
class Log {
  readonly batches: string[][] = [];
  available = true;
  /** While it is there, appends wait for it. */
  held: Promise<void> | undefined;

  async append(_topic: string, records: readonly LogRecord[]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.held;
    if (!this.available) throw new AppendError('refused', 'unavailable');
    this.batches.push(records.map(({ value }) => Buffer.from(value).toString().trim()));
  }

  get texts(): string[] {
    return this.batches.flat();
  }

  /** Holds appends up until what it returns is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.held = promise;
    return () => {
      this.held = undefined;
      resolve();
    };
  }
}

let folder: string;
let log: Log;
const running: Spools[] = [];
beforeEach(() => {
  folder = quickFolder();
  log = new Log();
});
afterEach(async () => {
  for (const spools of running.splice(0)) await spools.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Options {
  readonly used?: boolean;
  readonly maxBytes?: number;
  /** Spools of workers that are no more. */
  readonly leftovers?: readonly string[];
  /** Of the files. */
  readonly name?: string;
}

function start({ used = true, maxBytes = 100_000_000, leftovers = [], name = 'pumps' }: Options = {}) {
  const metrics = createCollectorMetrics(new Registry(), {
    ...{ waitingBytes: () => 0, spool: () => undefined, drainedPerSecond: () => 0 },
    ...{ nowMs: Date.now, unknownFields: new UnknownFields([]) },
  });
  const spools = createSpools({
    ...{ log: log as unknown as EventLog, topic: 'readings', metrics, logger: silent, nowMs: Date.now },
    deadlineMs: 1_000,
    files: {
      ...{ file: join(folder, `${name}.spool.db`), maxBytes, leftovers, journaled: used },
    },
  });
  spools.start();
  running.push(spools);
  return { spools, counters: () => metrics.counters };
}

const records = (from: number, to: number, size = 0): LogRecord[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    key: 'd',
    value: Buffer.from(`${from + index}`.padEnd(size)),
  }));
const texts = (from: number, to: number): string[] => records(from, to).map(({ value }) => value.toString());

/** Ends without a word, as a process that is killed; the files stay as they are. */
function kill(spools: Spools): void {
  running.splice(running.indexOf(spools), 1);
  spools.own?.stop();
}

test('readings are acknowledged before the log has them, and go there in order, many at a time', async () => {
  const release = log.hold();
  const { spools, counters } = start();
  for (let number = 1; number <= 100; number += 1) await spools.commit(records(number, number));
  expect(log.texts).toEqual([]);
  expect(spools.journaling?.waiting).toBe(100);
  release();
  await until(
    () => log.texts.length,
    (count) => count === 100,
  );
  expect(log.texts).toEqual(texts(1, 100));
  expect(log.batches.length).toBeLessThan(5);
  expect(counters().journaled).toBe(100);
  await until(
    () => spools.journaling?.waiting,
    (waiting) => waiting === 0,
  );
});

test('what a killed process had not sent is sent by the next one, and counted as possibly there twice', async () => {
  log.hold();
  const { spools } = start();
  await spools.commit(records(1, 30));
  await spools.commit(records(31, 40));
  kill(spools);
  log = new Log();
  const { counters } = start();
  await until(
    () => log.texts.length,
    (count) => count === 40,
  );
  expect(log.texts).toEqual(texts(1, 40));
  expect(counters().possibleExtras).toBe(40);
});

test('what was sent does not come again after a kill', async () => {
  const { spools } = start();
  await spools.commit(records(1, 30));
  await until(
    () => spools.journaling?.waiting,
    (waiting) => waiting === 0,
  );
  kill(spools);
  const { counters } = start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(log.texts).toEqual(texts(1, 30));
  expect(counters().possibleExtras).toBe(0);
});

test('while the log is unavailable the spool takes them, and the order stays', async () => {
  log.available = false;
  const { spools, counters } = start();
  for (let number = 1; number <= 20; number += 1) await spools.commit(records(number, number));
  await until(
    () => counters().spooled,
    (spooled) => spooled === 20,
  );
  log.available = true;
  await spools.commit(records(21, 30));
  await until(
    () => log.texts.length,
    (count) => count === 30,
  );
  expect(log.texts).toEqual(texts(1, 30));
});

test.each([1, 100, 20_000])(
  'where neither log nor spool takes readings of %i bytes, requests fail in the end, and what was acknowledged comes later',
  async (size) => {
    log.available = false;
    const { spools } = start({ maxBytes: 1 });
    let accepted = 0;
    await expect(async () => {
      for (;;) {
        await spools.commit(records(accepted + 1, accepted + 1, size));
        accepted += 1;
      }
    }).rejects.toThrow(/the spool is full/);
    expect(accepted).toBeGreaterThan(100);
    expect(accepted * Math.max(512, size)).toBeLessThanOrEqual(4 << 20);
    log.available = true;
    await until(
      () => log.texts.length,
      (count) => count >= accepted,
    );
    expect(log.texts).toEqual(texts(1, accepted));
  },
);

test('what could not be sent before a stop stays for the next start, also where the spool is full', async () => {
  log.available = false;
  const { spools } = start({ maxBytes: 1 });
  await spools.commit(records(1, 20));
  running.pop();
  await spools.stop();
  log.available = true;
  start({ maxBytes: 1 });
  await until(
    () => log.texts.length,
    (count) => count === 20,
  );
  expect(log.texts).toEqual(texts(1, 20));
});

test('a stop sends what waits', async () => {
  const { spools } = start();
  for (let number = 1; number <= 20; number += 1) await spools.commit(records(number, number));
  running.pop();
  await spools.stop();
  expect(log.texts).toEqual(texts(1, 20));
});

test('a large group waits for what came before, and is acknowledged by the log', async () => {
  const release = log.hold();
  const { spools, counters } = start();
  await spools.commit(records(1, 5));
  let acknowledged = false;
  const large = spools.commit(records(6, 1_000, 500)).then(() => {
    acknowledged = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(acknowledged).toBe(false);
  release();
  await large;
  expect(log.texts).toEqual(texts(1, 1_000));
  expect(counters().journaled).toBe(5);
});

test('a journal that is not used any more is emptied and removed, and so is that of a worker that is no more', async () => {
  log.hold();
  const [first, second] = [start(), start({ name: 'pumps-2' })];
  await first.spools.commit(records(1, 10));
  await second.spools.commit(records(11, 20));
  kill(first.spools);
  kill(second.spools);
  log = new Log();
  start({ used: false, leftovers: [join(folder, 'pumps-2.spool.db')] });
  await until(
    () => log.texts.length,
    (count) => count === 20,
  );
  expect(log.texts.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts(1, 20));
  expect(existsSync(join(folder, 'pumps.spool.journal'))).toBe(false);
  expect(existsSync(join(folder, 'pumps-2.spool.journal'))).toBe(false);
});

test('what a worker that is no more left in spool and journal keeps its order', async () => {
  log.available = false;
  const { spools, counters } = start({ name: 'pumps-2' });
  await spools.commit(records(1, 20));
  await until(
    () => counters().spooled,
    (spooled) => spooled === 20,
  );
  log.hold();
  await spools.commit(records(21, 30));
  kill(spools);
  log = new Log();
  start({ leftovers: [join(folder, 'pumps-2.spool.db')] });
  await until(
    () => log.texts.length,
    (count) => count === 30,
  );
  expect(log.texts).toEqual(texts(1, 30));
});

test('a journal whose disk fails leaves it to the log, and nothing that was refused is sent', async () => {
  const { spools, counters } = start();
  await spools.commit(records(1, 5));
  await until(
    () => log.texts.length,
    (count) => count === 5,
  );
  const failing = vi.spyOn(Journal.prototype, 'write').mockRejectedValue(new Error('EIO'));
  await spools.commit(records(6, 10));
  expect(log.texts).toEqual(texts(1, 10));
  log.available = false;
  vi.spyOn(Spool.prototype, 'append').mockImplementationOnce(() => {
    throw new Error('the disk fails');
  });
  await expect(spools.commit(records(11, 15))).rejects.toThrow(/the spool is full/);
  log.available = true;
  failing.mockRestore();
  await spools.commit(records(16, 20));
  await until(
    () => log.texts.length,
    (count) => count === 15,
  );
  expect(log.texts).toEqual([...texts(1, 10), ...texts(16, 20)]);
  expect(counters().journaled).toBe(10);
});

test('a stop does not wait for a log that takes nothing', async () => {
  log.hold();
  const { spools } = start();
  await spools.commit(records(1, 5));
  running.pop();
  const began = performance.now();
  await spools.stop();
  expect(performance.now() - began).toBeLessThan(6_000);
  log = new Log();
  start();
  await until(
    () => log.texts.length,
    (count) => count === 5,
  );
});
