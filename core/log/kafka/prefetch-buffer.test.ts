import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { PrefetchBuffer } from './prefetch-buffer.ts';

const messages = (...offsets: number[]): KafkaMessage[] =>
  offsets.map((offset) => ({
    offset: String(offset),
    key: Buffer.from('device'),
    value: Buffer.from(`value ${offset}`),
    timestamp: '1700000000000',
    attributes: 0,
    headers: {},
  }));
const offsets = (buffer: PrefetchBuffer, max = 100) => buffer.take(max, 1 << 20).map(({ offset }) => Number(offset));

test('gives each record once and in order, however often it is fetched', () => {
  const buffer = new PrefetchBuffer('readings', 3);
  buffer.accept(messages(5, 6, 7), 7n);
  buffer.accept(messages(5, 6, 7, 8), 8n);
  expect(offsets(buffer, 2)).toEqual([5, 6]);
  buffer.accept(messages(5, 6, 9), 9n);
  expect(offsets(buffer)).toEqual([7, 8, 9]);
  expect(buffer.empty).toBe(true);
});

test('keeps text, null and time of a record', () => {
  const buffer = new PrefetchBuffer('readings', 3);
  buffer.accept([{ ...messages(1)[0]!, key: null, value: null }, ...messages(2)], 2n);
  const [first, second] = buffer.take(2, 1 << 20);
  expect(first).toMatchObject({ topic: 'readings', partition: 3, key: null, value: new Uint8Array() });
  expect(second).toMatchObject({ offset: 2n, key: 'device', arrivedMs: 1_700_000_000_000 });
});

test('resumes behind transaction markers, but never past a record', () => {
  const buffer = new PrefetchBuffer('readings', 0);
  buffer.accept(messages(0, 1, 4), 6n);
  const [first, second] = buffer.take(2, 100);
  expect([buffer.after(first!), buffer.after(second!)]).toEqual([1n, 4n]);
  const [third] = buffer.take(1, 100);
  expect([buffer.after(second!), buffer.after(third!)]).toEqual([2n, 7n]);
  buffer.accept(messages(9), 10n);
  expect(buffer.after(third!)).toBe(9n);
  expect(offsets(buffer)).toEqual([9]);
  buffer.accept([], 14n);
  expect(buffer.next).toBe(15n);
});

test('takes a number of records and about a number of bytes, and reports when it is full', () => {
  const buffer = new PrefetchBuffer('readings', 0);
  const large = messages(...Array.from({ length: 40 }, (_, n) => n)).map((message) => ({
    ...message,
    value: Buffer.alloc(100_000),
  }));
  buffer.accept(large, 39n);
  expect(buffer.full).toBe(true);
  expect(buffer.take(100, 250_000)).toHaveLength(3);
  expect(buffer.take(20, 1 << 30)).toHaveLength(20);
  expect(buffer.full).toBe(false);
});

test('starts where the group is: drops what is done, fetches again what it had dropped', () => {
  const buffer = new PrefetchBuffer('readings', 0);
  buffer.accept(messages(3, 4, 5), 5n);
  expect(buffer.startAt(4n)).toBe(false);
  expect(offsets(buffer)).toEqual([4, 5]);
  expect(buffer.startAt(8n)).toBe(false);
  buffer.accept(messages(6, 7, 8), 8n);
  expect(offsets(buffer)).toEqual([8]);
  expect(buffer.startAt(2n)).toBe(true);
  buffer.accept(messages(2, 3), 3n);
  expect(offsets(buffer)).toEqual([2, 3]);
});
