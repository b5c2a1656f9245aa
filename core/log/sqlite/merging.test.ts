import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  numbered,
  numbers,
  patient,
  record,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import type { EventLog } from '../port.ts';
import type { PackingOptions } from './packing.ts';
import { fileOfEachTest, sqliteUnderTest } from './testing.ts';

const mergesAll: PackingOptions = { batches: 1, recordsPerBlock: 10, everyMs: 3_600_000 };

describe('batches', { timeout: testTimeoutMs }, () => {
  const { fixture, file, look, one, blocks, bytes, packingLog: packWith } = fileOfEachTest();
  const mergingLog = (packing = mergesAll, retentionCheckMs?: number) => packWith(packing, retentionCheckMs);
  const batches = () => one('SELECT count(*) FROM log_appended');
  const bytesOfBlocks = () => one('SELECT sum(octet_length(data) + 64) FROM log_blocks');

  test('an append to many partitions is one row, and what it counts is what it takes', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 12);
    await log.append(topic, numbered(0, 500), deadline);
    expect([batches(), one('SELECT count(*) FROM log_rows')]).toEqual([1, 0]);
    const stored = one('SELECT octet_length(data) FROM log_appended');
    const partitions = one('SELECT count(*) FROM log_partitions WHERE next > 0');
    // Each slice begins at a multiple of 8 bytes.
    expect(Math.abs(bytes() - stored - 64 * partitions)).toBeLessThan(8 * partitions);
  });

  test('merging changes nothing that a reader sees, who knew of the batches or not', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 2);
    const values = ['', 'a', 'ünï 🌡', 'x'.repeat(3_000)];
    const mixed = Array.from({ length: 60 }, (_, i) =>
      record([null, '', 'ä', 'b\0c'][i % 4] ?? null, values[i % 3] ?? ''),
    );
    for (let at = 0; at < 60; at += 7) {
      await log.append(topic, mixed.slice(at, at + 7), deadline);
      await sleep(2);
    }
    const before = await contents(log, topic);
    expect(before).toHaveLength(60);
    const merging = await mergingLog();
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    expect(bytes()).toBe(bytesOfBlocks());
    expect(await contents(log, topic)).toEqual(before);
    expect(await contents(await fixture().open(), topic)).toEqual(before);
  });

  test('whatever several processes append, merge and read, all see the same records in the same order', async () => {
    const log = await fixture().open();
    const topics = await Promise.all([1, 3].map((count) => fixture().topic(log, `topic-${count}`, count)));
    const others = [log, await fixture().open(), (await mergingLog({ ...mergesAll, batches: 3 })).log] as const;
    const appended = new Map<string, string[]>(topics.map((topic) => [topic, []]));
    const append = fc.record({
      by: fc.nat({ max: 2 }),
      topic: fc.constantFrom(...topics),
      values: fc.array(
        fc.oneof({ weight: 12, arbitrary: fc.string({ maxLength: 40 }) }, fc.constant('-'.repeat(150_000))),
        { minLength: 1, maxLength: 8 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(append, { minLength: 1, maxLength: 12 }), async (appends) => {
        for (const { by, topic, values } of appends) {
          await others[by]?.append(
            topic,
            values.map((value) => record('device', value)),
            deadline,
          );
          appended.get(topic)?.push(...values);
        }
        const seen = await Promise.all(others.map((each) => Promise.all(topics.map((topic) => ordered(each, topic)))));
        for (const each of seen) expect(each).toEqual(topics.map((topic) => appended.get(topic)));
      }),
      { numRuns: 40 },
    );
    await others[2].stop();
    expect(look().prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  });

  test('is not disturbed by what is appended meanwhile', async () => {
    const said: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => said.push(line) });
    const own = await sqliteUnderTest({ file: file(), packing: { ...mergesAll, batches: 3 }, logger });
    const log = own.create();
    await log.start();
    const topic = await fixture().topic(log, 'readings', 3);
    for (let at = 0; at < 600; at += 2) await log.append(topic, numbered(at, at + 2), deadline);
    await expect.poll(batches, patient).toBeLessThan(3);
    expect(sorted(texts(await contents(log, topic)))).toEqual(sorted(numbers(0, 600)));
    await log.stop();
    await own.remove('');
    expect(said).toEqual([]);
  });

  const ordered = async (log: EventLog, topic: string): Promise<string[]> =>
    (await contents(log, topic))
      .toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
      .map(({ value }) => Buffer.from(value).toString());

  test('many bytes of one partition are a block at once, and what is less beside them a batch', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 12);
    await log.append(topic, numbered(0, 10), deadline);
    const large = Array.from({ length: 9 }, (_, i) => record('device-1', String(i).padEnd(40_000, '-')));
    await log.append(topic, [...numbered(10, 20), ...large, ...numbered(20, 30)], deadline);
    await log.append(topic, numbered(30, 40), deadline);
    expect([batches(), blocks()]).toEqual([3, 1]);
    const own = (all: readonly string[]) => all.filter((value) => value.length < 10);
    const seen = await ordered(log, topic);
    expect(sorted(own(seen))).toEqual(numbers(0, 40));
    // Together: what stands before the block and behind it must not become one.
    const merging = await mergingLog({ batches: 3, everyMs: 3_600_000 });
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    expect(await ordered(log, topic)).toEqual(seen);
    expect(bytes()).toBe(bytesOfBlocks());
  });

  test('numbers of batches are never used again, and a file begins where it ended', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const last = () => one('SELECT max(batch) FROM log_partitions');
    await log.append(topic, numbered(0, 5), deadline);
    await log.append(topic, numbered(5, 10), deadline);
    const merging = await mergingLog();
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    expect(last()).toBe(2);
    const again = await fixture().open();
    await again.append(topic, numbered(10, 15), deadline);
    expect(last()).toBe(3);
    for (const each of [log, again]) expect(texts(await contents(each, topic))).toEqual(numbers(0, 15));
  });

  test('a group resumes and is set back in the middle of batches, before and after they are merged', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const options = { from: [topic], group: fixture().name('group'), maxBatch: 7 };
    await log.append(topic, numbered(0, 33), deadline);
    const first = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, numbers(0, 33));
    await first.stop();
    await sleep(20);
    const since = Date.now();
    await sleep(20);
    for (let at = 33; at < 100; at += 10) await log.append(topic, numbered(at, Math.min(100, at + 10)), deadline);
    const second = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, numbers(0, 100));
    await second.stop();
    const merging = await mergingLog();
    await expect.poll(batches, patient).toBe(0);
    expect(await log.rewind(options.group, [topic], since)).toEqual([{ topic, partition: 0, from: 100n, to: 33n }]);
    const third = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, [...numbers(0, 100), ...numbers(33, 100)]);
    await third.stop();
    await merging.stop();
  });

  test('retention deletes a batch with the last of its records, and blocks hold none that it has deleted', async () => {
    const log = await fixture().open();
    const kept = await fixture().topic(log, 'kept', 1);
    const short = await fixture().topic(log, 'short', 1);
    await log.append(short, numbered(0, 5), deadline);
    await Promise.all([log.append(kept, numbered(0, 7), deadline), log.append(short, numbered(5, 10), deadline)]);
    expect(batches()).toBe(2);
    await fixture().topic(log, 'short', 1, { retentionMs: 1 });
    const retaining = await mergingLog({}, 20);
    await expect.poll(() => contents(log, short), patient).toEqual([]);
    await expect.poll(batches, patient).toBe(1);
    await retaining.stop();
    const merging = await mergingLog();
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    expect(blocks()).toBe(1);
    expect(bytes()).toBe(bytesOfBlocks());
    expect(texts(await contents(log, kept))).toEqual(numbers(0, 7));
  });

  test('rows of an earlier layout come before batches, whatever is packed or merged first', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1, { compacted: true });
    await log.append(
      topic,
      Array.from({ length: 25 }, (_, i) => record(`key-${i}`, String(i))),
      deadline,
    );
    await fixture().topic(log, 'readings', 1);
    for (let at = 25; at < 55; at += 6) {
      const some = Array.from({ length: Math.min(6, 55 - at) }, (_, i) => record('a', String(at + i)));
      await log.append(topic, some, deadline);
    }
    const all = Array.from({ length: 55 }, (_, i) => String(i));
    expect(await ordered(log, topic)).toEqual(all);
    const merging = await mergingLog({ ...mergesAll, recordsPerBlock: 30 });
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    expect([blocks(), one('SELECT count(*) FROM log_rows')]).toEqual([5, 25]);
    expect(await ordered(log, topic)).toEqual(all);
    const packing = await mergingLog({ recordsPerBlock: 10, everyMs: 1, paced: false });
    await expect.poll(() => one('SELECT count(*) FROM log_rows'), patient).toBe(5);
    await packing.stop();
    expect(await ordered(log, topic)).toEqual(all);
    await fixture().topic(log, 'readings', 1, { retentionMs: 1 });
    const retaining = await mergingLog({}, 20);
    await expect.poll(() => contents(log, topic), patient).toEqual([]);
    await retaining.stop();
    expect(bytes()).toBe(0);
  });

  test('rows before and behind batches do not become one block', async () => {
    const log = await fixture().open();
    const append = async (from: number, compacted: boolean) => {
      const topic = await fixture().topic(log, 'readings', 1, { compacted });
      const some = Array.from({ length: 8 }, (_, i) => record(`key-${from + i}`, String(from + i)));
      await log.append(topic, some, deadline);
      return topic;
    };
    await append(0, true);
    await append(8, false);
    await append(16, true);
    const topic = await append(24, false);
    const packing = await mergingLog({ batches: 1, recordsPerBlock: 6, everyMs: 1, paced: false });
    await expect.poll(() => one('SELECT count(*) FROM log_rows'), patient).toBeLessThan(6);
    await packing.stop();
    expect(await ordered(log, topic)).toEqual(Array.from({ length: 32 }, (_, i) => String(i)));
  });

  test('a topic that becomes a compacted one gets its batches as rows, and keeps the last record of each key', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'becomes', 1);
    for (let at = 0; at < 55; at += 11) await log.append(topic, numbered(at, at + 11), deadline);
    await fixture().topic(log, 'becomes', 1, { compacted: true });
    const compacting = await mergingLog({}, 20);
    await expect.poll(() => contents(log, topic).then(texts), patient).toEqual(numbers(50, 55));
    await compacting.stop();
    expect([batches(), blocks(), one('SELECT count(*) FROM log_rows')]).toEqual([0, 0, 5]);
  });

  test('records appended after a topic became a compacted one are rows, also where an append shared its transaction', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'becomes', 1);
    const rows = () => one('SELECT count(*) FROM log_rows');
    const spec = { name: topic, partitions: 1, retentionMs: 1_000_000, compacted: true };
    await Promise.all([log.append(topic, numbered(0, 5), deadline), log.ensureTopics([spec])]);
    expect([batches(), rows()]).toEqual([1, 0]);
    await log.append(topic, numbered(5, 8), deadline);
    expect([batches(), rows()]).toEqual([1, 3]);
    await log.ensureTopics([{ ...spec, compacted: false }]);
    await log.append(topic, numbered(8, 10), deadline);
    expect([batches(), rows()]).toEqual([2, 3]);
    expect(sorted(texts(await contents(log, topic)))).toEqual(numbers(0, 10));
  });

  test('what retention has passed does not come back when a topic becomes a compacted one, nor counts', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'becomes', 1);
    const noise = (at: number) =>
      Array.from({ length: 10 }, (_, i) => record(`key-${at + i}`, randomBytes(300).toString('hex')));
    for (let at = 0; at < 60; at += 10) await log.append(topic, noise(at), deadline);
    await fixture().topic(log, 'becomes', 1, { retentionBytes: 18_000 });
    const retaining = await mergingLog({}, 20);
    await expect.poll(() => one('SELECT first FROM log_partitions'), patient).toBeGreaterThan(15);
    await retaining.stop();
    const first = one('SELECT first FROM log_partitions');
    await fixture().topic(log, 'becomes', 1, { compacted: true });
    const compacting = await mergingLog({}, 20);
    await expect.poll(() => one('SELECT count(*) FROM log_rows'), patient).toBe(60 - first);
    await compacting.stop();
    expect(bytes()).toBe(one('SELECT sum(24 + octet_length(key) + octet_length(value)) FROM log_rows'));
    // A hole at the beginning, and others between rows: of each key the last record is kept.
    await log.append(topic, noise(40), deadline);
    const again = await mergingLog({}, 20);
    await expect.poll(() => one('SELECT count(*) FROM log_rows'), patient).toBe(60 - first);
    await again.stop();
    await fixture().topic(log, 'becomes', 1, { retentionMs: 1 });
    await log.append(topic, noise(0), deadline);
    const deleting = await mergingLog({}, 20);
    await expect.poll(() => contents(log, topic), patient).toEqual([]);
    await expect.poll(batches, patient).toBe(0);
    await deleting.stop();
    expect([bytes(), one('SELECT count(*) FROM log_rows')]).toEqual([0, 0]);
  });

  test('says which batch is damaged, and other topics can be read', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const other = await fixture().topic(log, 'other', 1);
    await log.append(topic, numbered(0, 20), deadline);
    await log.append(other, numbered(0, 5), deadline);
    expect(batches()).toBe(2);
    look().exec(
      `UPDATE log_appended SET data = CAST(substr(data, 1, 400) || x'01' || substr(data, 402) AS BLOB) WHERE id = 1`,
    );
    const reader = await fixture().open();
    await expect(contents(reader, topic)).rejects.toMatchObject({
      code: 'log-corrupt',
      message: expect.stringMatching(/gapline\.db is damaged: the batch of records from 0 on: /),
    });
    expect(sorted(texts(await contents(reader, other)))).toEqual(numbers(0, 5));
  });

  test('a damaged batch is kept as it is when others are merged, and tells its readers', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const other = await fixture().topic(log, 'other', 1);
    for (let at = 0; at < 50; at += 10)
      await Promise.all([topic, other].map((each) => log.append(each, numbered(at, at + 10), deadline)));
    expect(batches()).toBe(5);
    look().exec(
      `UPDATE log_appended SET data = CAST(substr(data, 1, 400) || x'01' || substr(data, 402) AS BLOB) WHERE id = 3`,
    );
    const merging = await mergingLog({ batches: 5, everyMs: 3_600_000 });
    await expect.poll(batches, patient).toBe(0);
    await merging.stop();
    // Before it, of it, and behind it.
    expect(blocks()).toBe(6);
    expect(bytes()).toBe(bytesOfBlocks());
    const reader = await fixture().open();
    const damage = {
      code: 'log-corrupt',
      message: expect.stringMatching(/is damaged: the block of records from 20 on: /),
    };
    for (const each of [topic, other]) await expect(contents(reader, each)).rejects.toMatchObject(damage);
    const seen = [];
    for await (const some of reader.tail([topic], {
      since: 0,
      after: new Map([[topic, new Map([[0, 29n]])]]),
      follow: false,
    }))
      seen.push(...some);
    expect(texts(seen)).toEqual(numbers(30, 50));
  });

  test('a file in which a place of records is damaged is not opened as one that lacks them', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    await log.append(topic, numbered(0, 20), deadline);
    look().exec(`UPDATE log_appended SET slices = CAST(substr(slices, 1, 9) || x'01' || substr(slices, 11) AS BLOB)`);
    await expect(fixture().open()).rejects.toMatchObject({
      code: 'log-corrupt',
      message: expect.stringMatching(/gapline\.db is damaged: the batch 1 of records: its slices do not fit/),
    });
  });
});
