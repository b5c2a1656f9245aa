import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EventLog } from '../core/log/port.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import type { Stage } from '../core/stage/stage.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { createSqliteStore } from '../core/store/sqlite.ts';
import { type DeadLetter, deadLetterSchema } from '../core/wire/dead-letter.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Point } from '../core/wire/point.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import { createArchive } from './archive.ts';
import { pumps, quickFolder, silent, until } from './testing.ts';

let folder: string;
let log: EventLog;
let store: SeriesStore;
let archive: Stage | undefined;
let registry: Registry;
beforeEach(async () => {
  folder = quickFolder();
  const file = join(folder, 'gapline.db');
  log = createSqliteLog({ file, logger: silent, backoff: { firstMs: 5, maxMs: 5 } });
  store = createSqliteStore({ file, logger: silent });
  await log.start();
  await store.start();
  await log.ensureTopics(Object.values(pumps.topics).map((name) => ({ name, partitions: 2, retentionMs: 86_400_000 })));
});
afterEach(async () => {
  await archive?.stop();
  await store.stop();
  await log.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(into: SeriesStore = store): Promise<void> {
  registry = new Registry();
  archive = createArchive({ stream: pumps, log, store: into, logger: silent, registry });
  await archive.start();
}

function append(...values: unknown[]): Promise<void> {
  const records = values.map((value) => ({
    key: 'd',
    value: Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  }));
  return log.append(pumps.topics.readings, records, { deadlineMs: 5_000 });
}

const reading = (time: number, more: object = {}): object => ({
  stream: 'pumps',
  device: 'd',
  time: String(time),
  values: { a: time, b: null },
  received: '9',
  ...more,
});

async function points(): Promise<Point[]> {
  const found: Point[] = [];
  for await (const batch of store.read({ measurement: 'pumps', range: { from: '0', to: '1000' } }))
    found.push(...batch);
  return found;
}

async function deadLetters(): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for await (const records of log.tail([pumps.topics.deadLetters], { since: 0, follow: false })) {
    for (const { value } of records) found.push(deadLetterSchema.parse(JSON.parse(Buffer.from(value).toString())));
  }
  return found;
}

test('readings become points, truth and names of any kind included', async () => {
  await start();
  const text = '{"stream":"pumps","device":"d","time":"2","values":{"__proto__":4,"char_freq_;":5},"received":"9"}';
  await append(reading(1, { truth: 'ok' }), text);
  const found = await until(points, (seen) => seen.length === 2);
  expect(found[0]).toEqual({
    measurement: 'pumps',
    device: 'd',
    time: '1',
    fields: { 'v.a': 1, gaps: 3, truth: 'ok' },
  });
  expect(found[1]?.fields).toEqual({ 'v.__proto__': 4, 'v.char_freq_;': 5, gaps: 2 });
});

test('a record that is no reading becomes a dead letter with its cause, a reading of another stream is ignored, all others are written', async () => {
  await start();
  await append(
    reading(1),
    '{',
    Buffer.from([0xff, 0xfe]),
    reading(2, { values: { a: 'x' } }),
    reading(3, { stream: 'fans' }),
    reading(4),
  );
  expect((await until(points, (seen) => seen.length === 2)).map(({ time }) => time)).toEqual(['1', '4']);
  const letters = await until(deadLetters, (seen) => seen.length === 3);
  expect(letters.map(({ stage, value, encoding, reason }) => [stage, value, encoding, reason])).toEqual([
    ['archive', '{', 'utf8', expect.stringMatching(/^not a reading: the record is not JSON/)],
    ['archive', '//4=', 'base64', 'not a reading: the record is not UTF-8'],
    [
      'archive',
      expect.any(String),
      'utf8',
      expect.stringMatching(/^not a reading: values\["a"\]: found .*; expected a finite number or null$/),
    ],
  ]);
  expect(await registry.metrics()).toContain('gapline_archive_foreign_total 1');
});

test('a point that the store refuses for good becomes a dead letter, and the rest of its batch is written', async () => {
  await start({
    ...wrapped(),
    write: async (batch) => {
      const refused = batch.findIndex(({ time }) => time === '2');
      await store.write(batch.filter((_, index) => index !== refused));
      return refused < 0 ? [] : [{ index: refused, reason: 'the field has another type' }];
    },
  });
  await append(reading(1), reading(2), reading(3));
  expect((await until(points, (seen) => seen.length === 2)).map(({ time }) => time)).toEqual(['1', '3']);
  expect(await until(deadLetters, (seen) => seen.length === 1)).toMatchObject([
    { reason: 'the field has another type', offset: '1' },
  ]);
});

test('while the store is unavailable nothing is lost or skipped, the status reports it, and the archive resumes by itself', async () => {
  let unavailable = true;
  await start({
    ...wrapped(),
    write: (batch) =>
      unavailable
        ? Promise.reject(new GaplineError('store-unavailable', 'InfluxDB does not respond', { retryable: true }))
        : store.write(batch),
  });
  await append(reading(1), reading(2));
  const statuses = await seeStatus(({ lastError }) => lastError !== undefined);
  expect(statuses).toMatchObject({ stage: 'archive', lag: 2, lastError: { message: 'InfluxDB does not respond' } });
  unavailable = false;
  await until(points, (seen) => seen.length === 2);
  expect(await deadLetters()).toEqual([]);
});

test('a second run resumes where the first one ended', async () => {
  await start();
  await append(reading(1));
  await until(points, (seen) => seen.length === 1);
  await archive?.stop();
  await append(reading(2));
  const seen: string[] = [];
  await start({
    ...wrapped(),
    write: (batch) => {
      seen.push(...batch.map(({ time }) => time));
      return store.write(batch);
    },
  });
  await until(points, (found) => found.length === 2);
  expect(seen).toEqual(['2']);
});

async function seeStatus(good: (status: Status) => boolean): Promise<Status> {
  for await (const records of log.tail([pumps.topics.status], { since: 0 })) {
    for (const { value } of records) {
      const status = statusSchema.parse(JSON.parse(Buffer.from(value).toString()));
      if (good(status)) return status;
    }
  }
  throw new Error('the log stopped');
}

/** The store, to put something in the way of. */
function wrapped(): SeriesStore {
  return {
    start: () => store.start(),
    stop: () => store.stop(),
    write: (batch) => store.write(batch),
    read: (options) => store.read(options),
  };
}

test('a record of many samples becomes a point with a string for each value', async () => {
  await start();
  await append(reading(1, { rate: 1_000, values: { a: [1, null, 3], b: [5] }, truth: 'ok' }), reading(2));
  const found = await until(points, (seen) => seen.length === 2);
  expect(found[0]).toEqual({
    measurement: 'pumps',
    device: 'd',
    time: '1',
    fields: { rate: 1_000, first: 0, count: 3, gaps: 7, 's.a': '1,,3', 's.b': '5', truth: 'ok' },
  });
});
