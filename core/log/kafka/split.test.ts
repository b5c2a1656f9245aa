import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sizeOf, splitIntoRequests } from './split.ts';

const addressed = (partition: number, bytes: number, topic = 'readings') => ({
  topic,
  partition,
  record: { key: 'device', value: new Uint8Array(bytes) },
});

test('splits before a partition or the request is too large, and keeps the order of each partition', () => {
  const record = fc.record({ partition: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 0, max: 400_000 }) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 100 }), (wanted) => {
      const records = wanted.map(({ partition, bytes }) => addressed(partition, bytes));
      const requests = [...splitIntoRequests(records)].map(({ topicMessages }) =>
        topicMessages.flatMap(({ messages }) => messages),
      );
      const sent = requests.flat();
      for (const partition of new Set(records.map(({ partition }) => partition))) {
        const sizes = (of: { partition?: number; value: { length: number } | null }[]) =>
          of.filter((message) => message.partition === partition).map(({ value }) => value?.length);
        expect(sizes(sent as never)).toEqual(
          sizes(records.map(({ partition, record }) => ({ partition, value: record.value }))),
        );
      }
      for (const messages of requests) {
        const byPartition = Map.groupBy(messages, ({ partition }) => partition);
        const total = (of: typeof messages) => of.reduce((sum, { value }) => sum + 46 + (value as Buffer).length, 0);
        expect(total(messages)).toBeLessThanOrEqual(8_000_000);
        for (const own of byPartition.values()) expect(total(own)).toBeLessThanOrEqual(900_000);
      }
    }),
    { numRuns: 50 },
  );
});

test('sends what is too large alone, so that the broker can refuse it', () => {
  const requests = [...splitIntoRequests([addressed(0, 10), addressed(0, 2_000_000), addressed(0, 10)])];
  expect(requests.map(({ topicMessages }) => topicMessages[0]!.messages.length)).toEqual([1, 1, 1]);
});

test('carries the bytes of a record that is a part of a larger buffer', () => {
  const bytes = Buffer.from('before|value|after').subarray(7, 12);
  const [batch] = [...splitIntoRequests([{ topic: 'a', partition: 0, record: { key: 'ü', value: bytes } }])];
  expect(String(batch?.topicMessages[0]?.messages[0]?.value)).toBe('value');
  expect(sizeOf({ key: 'ü', value: bytes })).toBe(40 + 2 + 5);
});

test('splits before a partition holds so many messages that kafkajs takes long to sort them', () => {
  const requests = [...splitIntoRequests(Array.from({ length: 5_000 }, () => addressed(0, 1)))];
  expect(requests.map(({ topicMessages }) => topicMessages[0]!.messages.length)).toEqual([2_000, 2_000, 1_000]);
});
