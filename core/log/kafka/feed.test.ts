import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Feed } from './prefetch-buffer.ts';

const messages = (...offsets: number[]): KafkaMessage[] =>
  offsets.map((offset) => ({
    offset: String(offset),
    key: Buffer.from('device'),
    value: Buffer.from(`value ${offset}`),
    timestamp: '1700000000000',
    attributes: 0,
    headers: {},
  }));
const offsets = (feed: Feed, max = 100) => feed.take(max, 1 << 20).map(({ offset }) => Number(offset));

test('gives each record once and in order, however often it is fetched', () => {
  const feed = new Feed('readings', 3);
  feed.accept(messages(5, 6, 7), 7n);
  feed.accept(messages(5, 6, 7, 8), 8n);
  expect(offsets(feed, 2)).toEqual([5, 6]);
  feed.accept(messages(5, 6, 9), 9n);
  expect(offsets(feed)).toEqual([7, 8, 9]);
  expect(feed.empty).toBe(true);
});

test('keeps text, null and time of a record', () => {
  const feed = new Feed('readings', 3);
  feed.accept([{ ...messages(1)[0]!, key: null, value: null }, ...messages(2)], 2n);
  const [first, second] = feed.take(2, 1 << 20);
  expect(first).toMatchObject({ topic: 'readings', partition: 3, key: null, value: new Uint8Array() });
  expect(second).toMatchObject({ offset: 2n, key: 'device', arrivedMs: 1_700_000_000_000 });
});

test('goes on behind the marks of transactions, but never over a record', () => {
  const feed = new Feed('readings', 0);
  feed.accept(messages(0, 1, 4), 6n);
  const [first, second] = feed.take(2, 100);
  expect([feed.after(first!), feed.after(second!)]).toEqual([1n, 4n]);
  const [third] = feed.take(1, 100);
  expect([feed.after(second!), feed.after(third!)]).toEqual([2n, 7n]);
  feed.accept(messages(9), 10n);
  expect(feed.after(third!)).toBe(9n);
  expect(offsets(feed)).toEqual([9]);
  feed.accept([], 14n);
  expect(feed.next).toBe(15n);
});

test('takes so many records and about so many bytes, and says when it is full', () => {
  const feed = new Feed('readings', 0);
  const large = messages(...Array.from({ length: 40 }, (_, n) => n)).map((message) => ({
    ...message,
    value: Buffer.alloc(100_000),
  }));
  feed.accept(large, 39n);
  expect(feed.full).toBe(true);
  expect(feed.take(100, 250_000)).toHaveLength(3);
  expect(feed.take(20, 1 << 30)).toHaveLength(20);
  expect(feed.full).toBe(false);
});

test('starts where the group is: drops what is done, fetches again what it had dropped', () => {
  const feed = new Feed('readings', 0);
  feed.accept(messages(3, 4, 5), 5n);
  expect(feed.startAt(4n)).toBe(false);
  expect(offsets(feed)).toEqual([4, 5]);
  expect(feed.startAt(8n)).toBe(false);
  feed.accept(messages(6, 7, 8), 8n);
  expect(offsets(feed)).toEqual([8]);
  expect(feed.startAt(2n)).toBe(true);
  feed.accept(messages(2, 3), 3n);
  expect(offsets(feed)).toEqual([2, 3]);
});
