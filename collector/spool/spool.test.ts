import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRecord } from '../../core/log/port.ts';
import { quickFolder, silent } from '../testing.ts';
import type { SpoolBatch } from './batch.ts';
import { decodeRecords, encodeRecords } from './chunk.ts';
import { Spool, type SpoolOptions } from './spool.ts';

let folder: string;
let file: string;
let spool: Spool;
let lost: number;
beforeEach(() => {
  lost = 0;
  folder = quickFolder();
  file = join(folder, 'spool.db');
});
afterEach(() => {
  spool.stop();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<SpoolOptions> = {}): number {
  spool = new Spool({
    file,
    maxBytes: 10_000_000,
    logger: silent,
    lost: (readings) => {
      lost += readings;
    },
    nowMs: () => 1_000,
    ...options,
  });
  return spool.start().maybeSent;
}

const record = (text: string, key: string | null = 'd'): LogRecord => ({ key, value: Buffer.from(text) });
const texts = (records: readonly LogRecord[] = []): string[] =>
  records.map(({ value }) => Buffer.from(value).toString());

/** Everything in the spool, in order, without taking it out. */
function contents(): string[] {
  return texts(spool.next(Number.MAX_SAFE_INTEGER)?.records);
}

/** The spool's next batch; there must be one. */
function nextBatch(maxBytes: number): SpoolBatch {
  const batch = spool.next(maxBytes);
  if (batch === undefined) throw new Error('the spool is empty');
  return batch;
}

test('records come back as they were, whatever their keys and bytes', () => {
  open();
  const key = fc.option(fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(fc.array(fc.record({ key, value: fc.uint8Array() })), (records) => {
      const back = decodeRecords(encodeRecords(records)).map(({ key: k, value }) => ({
        key: k,
        value: new Uint8Array(value),
      }));
      expect(back).toEqual(records.map(({ key: k, value }) => ({ key: k, value: new Uint8Array(value) })));
    }),
  );
});

/** Everything that comes out. */
function drained(): string[] {
  const seen: string[] = [];
  for (let batch = spool.next(0); batch !== undefined; batch = spool.next(0)) {
    seen.push(...texts(batch.records));
    spool.remove(batch);
  }
  return seen;
}

test('the queue is the same after a restart', () => {
  expect(open()).toBe(0);
  spool.append([record('1'), record('2', null)]);
  spool.append([record('3')]);
  expect(spool.size).toMatchObject({ records: 3, oldest: 1_000 });
  const first = nextBatch(0);
  expect(first.records).toMatchObject([{ key: 'd' }, { key: null }]);
  expect(texts(first.records)).toEqual(['1', '2']);
  spool.stop();
  open();
  expect(contents()).toEqual(['1', '2', '3']);
  spool.remove(first);
  spool.append([record('4')]);
  expect(contents()).toEqual(['3', '4']);
  expect(spool.size.records).toBe(2);
});

test('a batch that was being sent when the process ended counts as perhaps sent', () => {
  open();
  for (const text of ['1', '2', '3']) spool.append([record(text), record(`${text}b`)]);
  const first = nextBatch(0);
  spool.sending(first);
  spool.stop();
  expect(open()).toBe(2);
  spool.remove(first);
  spool.stop();
  expect(open()).toBe(0);
});

test('it takes no more than its bound, and again after a batch was removed', () => {
  open({ maxBytes: 1_000 });
  spool.append([record('x'.repeat(900))]);
  expect(() => spool.append([record('y'.repeat(200))])).toThrow(
    expect.objectContaining({ code: 'spool-full', retryable: true }),
  );
  expect(spool.hasSpace).toBe(true);
  spool.remove(nextBatch(0));
  spool.append([record('y'.repeat(200))]);
  expect(contents()).toEqual(['y'.repeat(200)]);
});

test('once it is empty its disk space is freed', () => {
  open({ maxBytes: 100_000_000 });
  for (let index = 0; index < 12; index += 1) spool.append([record('x'.repeat(1_000_000))]);
  expect(statSync(file).size).toBeGreaterThan(12_000_000);
  spool.remove(nextBatch(Number.MAX_SAFE_INTEGER));
  expect(statSync(file).size).toBeLessThan(100_000);
  spool.append([record('1')]);
  expect(contents()).toEqual(['1']);
});

test('a second collector gets the error that the file is in use', () => {
  open();
  const second = new Spool({ file, maxBytes: 1_000, logger: silent, lost: () => {}, nowMs: Date.now });
  expect(() => second.start()).toThrow(
    expect.objectContaining({ code: 'spool-unusable', message: expect.stringContaining('another collector') }),
  );
});

test('a chunk that the disk damaged is found, counted as lost, and never sent', () => {
  open();
  const names = ['alpha', 'bravo', 'charlie'];
  for (const name of names) spool.append([record(name.repeat(10)), record(name)]);
  spool.stop();
  flip(readFileSync(file).indexOf('bravobravo') + 3);
  open();
  const first = nextBatch(Number.MAX_SAFE_INTEGER);
  expect(texts(first.records)[1]).toBe('alpha');
  spool.remove(first);
  expect(contents()[1]).toBe('charlie');
  expect(lost).toBe(2);
  expect(spool.size.records).toBe(2);
});

test('a file that is no database is renamed, and a new one is made', () => {
  writeFileSync(file, 'this is no database'.repeat(1_000));
  open();
  spool.append([record('1')]);
  expect(contents()).toEqual(['1']);
  expect(readdirSync(folder).filter((name) => name.includes('.damaged-'))).not.toEqual([]);
});

test('after any truncation or flipped bit, only records that were appended are returned, in order, and the spool keeps working', () => {
  open();
  const sizes = [10, 5_000, 100, 20_000, 300, 9_000, 50];
  const all = sizes.map((size, index) => `${index}:`.padEnd(size, String(index)));
  for (const text of all) spool.append([record(text)]);
  spool.stop();
  const sound = join(folder, 'sound');
  cpSync(file, sound);
  const length = statSync(sound).size;
  const damage = fc.record({ at: fc.nat(length - 1), bit: fc.nat(7), cut: fc.boolean() });
  fc.assert(
    fc.property(damage, ({ at, bit, cut }) => {
      for (const name of readdirSync(folder)) if (name !== 'sound') rmSync(join(folder, name));
      cpSync(sound, file);
      if (cut) truncateSync(file, at);
      else flip(at, bit);
      open();
      spool.append([record('next')]);
      const seen = drained();
      expect(seen.at(-1)).toBe('next');
      expect([...all, 'next'].filter((text) => seen.includes(text))).toEqual(seen);
      expect(spool.size).toMatchObject({ records: 0, bytes: 0 });
      spool.stop();
    }),
    { numRuns: 150 },
  );
});

function flip(at: number, bit = 0): void {
  const bytes = readFileSync(file);
  const handle = openSync(file, 'r+');
  writeSync(handle, Uint8Array.of(bytes.readUInt8(at) ^ (1 << bit)), 0, 1, at);
  closeSync(handle);
}

test('a spool of an earlier version can be used, and its records are counted from then on', () => {
  open();
  spool.append([record('a'), record('b')]);
  spool.stop();
  const before = new DatabaseSync(file);
  before.exec('DROP TRIGGER more; DROP TRIGGER fewer; ALTER TABLE sending DROP COLUMN held');
  before.close();
  open();
  expect(contents()).toEqual(['a', 'b']);
  spool.append([record('c')]);
  expect(drained()).toEqual(['a', 'b', 'c']);
  spool.stop();
  open();
  expect(lost).toBe(0);
});

test('the number of readings that are lost with the end of a file is known', () => {
  open();
  for (let chunk = 0; chunk < 100; chunk += 1) spool.append([record('x'.repeat(3_000)), record('y'.repeat(3_000))]);
  spool.stop();
  truncateSync(file, Math.floor(statSync(file).size / 2));
  open();
  const left = contents().length;
  expect(left).toBeGreaterThan(0);
  expect(lost).toBe(200 - left);
});

test('rows that vanish without an error are counted as lost', () => {
  open();
  spool.append([record('a')]);
  spool.append([record('b'), record('c')]);
  spool.stop();
  const behind = new DatabaseSync(file);
  behind.exec('DROP TRIGGER fewer; DELETE FROM chunk WHERE id = 2');
  behind.close();
  open();
  expect(lost).toBe(2);
  expect(contents()).toEqual(['a']);
});

test('chunks between an unreadable first chunk and the mark of what was sent are found', () => {
  open();
  for (const text of ['a', 'b', 'c', 'd', 'e']) spool.append([record(text.repeat(20_000))]);
  spool.sending(nextBatch(50_000));
  spool.stop();
  const pages = new DatabaseSync(file);
  const [overflow] = pages.prepare("SELECT pageno FROM dbstat WHERE path LIKE '%000+000000' AND name = 'chunk'").all();
  pages.close();
  // The pointer to the page with the rest of the chunk now names a page outside of the file.
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.from([255, 255, 255, 255]), 0, 4, (Number(overflow?.pageno) - 1) * 4_096);
  closeSync(handle);
  expect(open()).toBeGreaterThan(0);
  expect(drained().map((text) => text[0])).toEqual(['b', 'c', 'd', 'e']);
  expect(lost).toBe(1);
});
