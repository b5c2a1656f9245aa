import { expect, test } from 'vitest';
import { createPartitioner } from '../partition.ts';
import { AppendError } from '../port.ts';
import { contents, deadline, type LogFixture, numbered, numbers, record, sorted, text, texts } from './fixture.ts';

export function appending(fixture: () => LogFixture): void {
  test('keeps the order of each key, and a key in the partition that every Kafka client gives it', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 4);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => log.append(topic, numbered(i * 50, i * 50 + 50, 7), deadline)),
    );
    const records = await contents(log, topic);
    expect(sorted(texts(records))).toEqual(numbers(0, 500));
    const partitionOf = createPartitioner();
    for (const [key, own] of Map.groupBy(records, ({ key }) => key)) {
      expect(texts(own)).toEqual(sorted(texts(own)));
      expect(new Set(own.map(({ partition }) => partition))).toEqual(new Set([partitionOf(key, 4)]));
    }
  });

  test('gives records without a key to all partitions', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3);
    await log.append(
      topic,
      Array.from({ length: 30 }, (_, i) => record(null, i)),
      deadline,
    );
    const records = await contents(log, topic);
    expect(new Set(records.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set([null]));
  });

  test('gives bytes and keys back as they came, with growing offsets and the time of arrival', async () => {
    const before = Date.now();
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const values = [Buffer.from([]), Buffer.from([0, 255, 10, 13, 0xc3]), Buffer.alloc(100_000, 7)];
    await log.append(
      topic,
      values.map((value) => ({ key: 'Gerät "ü"; 1', value })),
      deadline,
    );
    await log.append(topic, [], deadline);
    const records = await contents(log, topic);
    expect(records.map(({ value }) => Buffer.from(value))).toEqual(values);
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set(['Gerät "ü"; 1']));
    expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n]);
    for (const { arrivedMs } of records) {
      expect(arrivedMs).toBeGreaterThanOrEqual(before - 1_000);
      expect(arrivedMs).toBeLessThanOrEqual(Date.now() + 1_000);
    }
  });

  test('holds its records after it was closed and opened again', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 20), deadline);
    await log.stop();
    const again = await fixture().open();
    await fixture().topic(again, 'readings');
    expect(sorted(texts(await contents(again, topic)))).toEqual(numbers(0, 20));
  });

  test('takes an append that is larger than anything it sends at once', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3);
    const big = Array.from({ length: 6_000 }, (_, i) => record(`device-${i % 5}`, `${i} ${'x'.repeat(1_400)}`));
    await log.append(topic, big, deadline);
    const records = await contents(log, topic);
    expect(records).toHaveLength(6_000);
    for (const own of Map.groupBy(records, ({ key }) => key).values()) {
      const order = own.map((stored) => Number.parseInt(text(stored), 10));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  });

  test('refuses a topic that does not exist, and holds nothing of it', async () => {
    const log = await fixture().open();
    const missing = fixture().name('missing');
    const refusal = await log.append(missing, [record('a', 1)], { deadlineMs: 2_000 }).catch((error) => error);
    expect(refusal).toBeInstanceOf(AppendError);
    expect(refusal).toMatchObject({ outcome: 'refused', retryable: true, message: expect.stringContaining(missing) });
  });

  test('makes topics once, and refuses one that exists with fewer partitions', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 2);
    await log.append(topic, numbered(0, 5), deadline);
    await fixture().topic(log, 'readings', 2);
    await expect(fixture().topic(log, 'readings', 3)).rejects.toMatchObject({
      code: 'topic-mismatch',
      message: expect.stringMatching(/2 .*3/),
    });
    // More partitions than wanted are accepted: an operator may have made them.
    await fixture().topic(log, 'readings', 1);
    expect(await contents(log, topic)).toHaveLength(5);
  });

  test('can be stopped twice, and is closed then', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await Promise.all([log.stop(), log.stop()]);
    await log.stop();
    await expect(log.append(topic, [record('a', 1)], deadline)).rejects.toMatchObject({ code: 'log-unavailable' });
  });
}
