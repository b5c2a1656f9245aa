import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  kill,
  LogFixture,
  numbered,
  numbers,
  patient,
  record,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { type EventLog, totalLag } from '../port.ts';
import type { PackingOptions } from './packing.ts';
import { fileOfEachTest, sqliteUnderTest } from './testing.ts';

const eager: PackingOptions = { recordsPerBlock: 10, everyMs: 1, paced: false };

describe('packing', { timeout: testTimeoutMs }, () => {
  const { fixture, file, look, one, blocks, bytes, packingLog: packWith } = fileOfEachTest();
  const packingLog = (packing = eager, retentionCheckMs?: number) => packWith(packing, retentionCheckMs);
  /** A topic whose records are rows: of a compacted one all are. `settled` makes it one that is not. */
  const rowsTopic = async (log: EventLog, name: string, partitions = 1) => ({
    topic: await fixture().topic(log, name, partitions, { compacted: true }),
    settled: (bounds = {}) => fixture().topic(log, name, partitions, bounds),
  });
  const rows = () => one('SELECT count(*) FROM log_rows');

  test('changes nothing that a reader sees, in less space; what does not fill a block stays as it is', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'readings', 2);
    const values = ['', 'a', 'ünï 🌡', 'x'.repeat(3_000)];
    const mixed = Array.from({ length: 400 }, (_, i) =>
      record([null, '', 'ä', 'b'][i % 4] ?? null, values[i % 3] ?? ''),
    );
    await log.append(topic, mixed, deadline);
    await sleep(5);
    await log.append(topic, [...numbered(0, 87), record('device-1', values[3] ?? '')], deadline);
    await settled();
    const before = await contents(log, topic);
    const bytesBefore = bytes();
    const packer = await packingLog();
    await expect.poll(rows, patient).toBeLessThan(2 * 10);
    await packer.stop();
    expect(blocks()).toBe(Math.floor((488 - rows()) / 10));
    expect(await contents(log, topic)).toEqual(before);
    expect(bytes()).toBeLessThan(bytesBefore);
    const again = await fixture().open();
    expect(await contents(again, topic)).toEqual(before);
  });

  test('a block ends where it is large enough', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'readings');
    const large = Array.from({ length: 20 }, () => record('a', 'x'.repeat(1_000)));
    await log.append(topic, large, deadline);
    await settled();
    const packer = await packingLog({ ...eager, recordsPerBlock: 1_000, bytesPerBlock: 5_000 });
    await expect.poll(blocks, patient).toBe(4);
    await packer.stop();
    expect(await contents(log, topic)).toHaveLength(20);
  });

  test('a group begins, resumes and is set back in the middle of blocks', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'readings');
    const copy = await fixture().topic(log, 'copy', 1);
    const options = { from: [topic], group: fixture().name('group'), maxBatch: 7 };
    await log.append(topic, numbered(0, 33), deadline);
    const first = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, numbers(0, 33));
    await first.stop();
    await sleep(20);
    const since = Date.now();
    await sleep(20);
    await log.append(topic, numbered(33, 100), deadline);
    await settled();
    const packer = await packingLog();
    await expect.poll(() => one('SELECT max(first) FROM log_blocks'), patient).toBe(90);
    const second = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, numbers(0, 100));
    await second.stop();
    expect(await log.rewind(options.group, [topic], since)).toEqual([{ topic, partition: 0, from: 100n, to: 33n }]);
    const third = await log.pipe(options, copyTo(copy));
    await expectContents(log, copy, [...numbers(0, 100), ...numbers(33, 100)]);
    await third.stop();
    await packer.stop();
  });

  test('retention deletes whole blocks, by age and by bytes, and none that a group has not taken', async () => {
    const log = await fixture().open();
    const { topic: byAge, ...ofAge } = await rowsTopic(log, 'age');
    const { topic: bySize, ...ofSize } = await rowsTopic(log, 'size');
    const { topic: waiting, ...ofWaiting } = await rowsTopic(log, 'waiting');
    const group = fixture().name('slow');
    const copy = await fixture().topic(log, 'copy', 1);
    const slow = await log.pipe({ from: [waiting], group }, copyTo(copy));
    await log.append(waiting, numbered(0, 15), deadline);
    await expectContents(log, copy, numbers(0, 15));
    await slow.stop();
    for (const topic of [byAge, bySize, waiting]) await log.append(topic, numbered(20, 115), deadline);
    for (const each of [ofAge, ofSize, ofWaiting]) await each.settled();
    const first = await packingLog();
    await expect.poll(rows, patient).toBe(10);
    await first.stop();
    await ofAge.settled({ retentionMs: 1 });
    await ofSize.settled({ retentionBytes: 600 });
    await ofWaiting.settled({ retentionMs: 1 });
    const packer = await packingLog(eager, 20);
    await expect.poll(() => contents(log, byAge), patient).toEqual([]);
    await expect.poll(async () => (await contents(log, bySize)).length, patient).toBeLessThan(80);
    await expect.poll(async () => (await contents(log, waiting)).length, patient).toBe(100);
    const left = sorted(texts(await contents(log, bySize)));
    expect(left).toEqual(numbers(115 - left.length, 115));
    await sleep(100);
    expect(sorted(texts(await contents(log, waiting)))).toEqual([...numbers(10, 15), ...numbers(20, 115)]);
    expect(totalLag(await log.lag(group, [waiting]))).toBe(95);
    await packer.stop();
    const held = `SELECT sum(octet_length(data) + 64) FROM log_blocks`;
    const loose = `SELECT sum(24 + octet_length(key) + octet_length(value)) FROM log_rows`;
    const copied = `SELECT sum(p.bytes) FROM log_partitions p JOIN log_topics t ON t.id = p.topic WHERE t.name = '${copy}'`;
    expect(bytes() - one(copied)).toBe(one(held) + one(loose));
  });

  test('leaves compacted topics as they are', async () => {
    const log = await fixture().open();
    const state = await fixture().topic(log, 'state', 1, { compacted: true });
    const { topic: other, settled } = await rowsTopic(log, 'other');
    await log.append(state, numbered(0, 50), deadline);
    await log.append(other, numbered(0, 50), deadline);
    await settled();
    const packer = await packingLog();
    await expect.poll(blocks, patient).toBe(5);
    await packer.stop();
    // The last record of each key, which compaction leaves.
    expect(rows()).toBe(5);
  });

  test('a topic that becomes a compacted one gets its blocks back as rows, and keeps the last record of each key', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'becomes');
    await log.append(topic, numbered(0, 55), deadline);
    await settled();
    const packer = await packingLog();
    await expect.poll(blocks, patient).toBe(5);
    await packer.stop();
    await fixture().topic(log, 'becomes', 1, { compacted: true });
    const compacting = await packingLog(eager, 20);
    await expect.poll(() => contents(log, topic).then(texts), patient).toEqual(numbers(50, 55));
    await compacting.stop();
    expect([blocks(), rows()]).toEqual([0, 5]);
    expect(bytes()).toBe(one('SELECT sum(24 + octet_length(key) + octet_length(value)) FROM log_rows'));
  });

  test('a damaged block of such a topic stays, and what lies behind it is compacted', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'becomes');
    await log.append(topic, numbered(0, 35), deadline);
    await settled();
    const packer = await packingLog();
    await expect.poll(blocks, patient).toBe(3);
    await packer.stop();
    look().exec(
      `UPDATE log_blocks SET data = CAST(substr(data, 1, 20) || x'ff' || substr(data, 22) AS BLOB) WHERE first = 10`,
    );
    await fixture().topic(log, 'becomes', 1, { compacted: true });
    const compacting = await packingLog(eager, 20);
    await expect.poll(rows, patient).toBe(5);
    await compacting.stop();
    expect(blocks()).toBe(2);
    await expect(contents(log, topic)).rejects.toMatchObject({ code: 'log-corrupt' });
  });

  test('says which block is damaged', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'readings');
    await log.append(topic, numbered(0, 20), deadline);
    await settled();
    const packer = await packingLog();
    await expect.poll(blocks, patient).toBe(2);
    await packer.stop();
    look().exec(
      `UPDATE log_blocks SET data = CAST(substr(data, 1, 20) || x'ff' || substr(data, 22) AS BLOB) WHERE first = 10`,
    );
    await expect(contents(log, topic)).rejects.toMatchObject({
      code: 'log-corrupt',
      message: expect.stringMatching(/gapline\.db is damaged: the block of records from 10 on: /),
    });
  });

  test('a process that is killed while it packs loses and doubles nothing', async () => {
    const log = await fixture().open();
    const { topic, settled } = await rowsTopic(log, 'readings');
    await log.append(topic, numbered(0, 1_500), deadline);
    await settled();
    const own = await sqliteUnderTest({ file: file(), packing: eager });
    const packers = new LogFixture(own);
    for (let round = 0; round < 3; round++) {
      const before = blocks();
      const { child } = packers.spawn({ kind: 'append', topic: await packers.topic(log, `idle-${round}`), batch: 1 });
      await expect.poll(blocks, { ...patient, interval: 1 }).toBeGreaterThan(before + 5);
      await sleep(Math.random() * 10);
      await kill(child);
      expect(texts(await contents(log, topic))).toEqual(numbers(0, 1_500));
    }
    await packers.close();
    expect(look().prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  });
});
