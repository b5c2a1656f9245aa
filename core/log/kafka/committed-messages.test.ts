import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { committedMessages, type FetchedMessage } from './committed-messages.ts';
import { patchRecords } from './patch-records.ts';

const record = (offset: number, producer: number, key: Buffer | null = null): FetchedMessage => ({
  ...{ offset: String(offset), key, isControlRecord: false },
  batchContext: { producerId: String(producer), inTransaction: true },
});
const marker = (offset: number, producer: number, what: 'abort' | 'commit'): FetchedMessage => ({
  ...record(offset, producer, Buffer.from([0, 0, 0, what === 'abort' ? 0 : 1])),
  isControlRecord: true,
});
const committed = (messages: FetchedMessage[], ...aborted: [producer: number, from: number][]) =>
  committedMessages({
    messages,
    abortedTransactions: aborted.map(([producer, from]) => ({
      producerId: String(producer),
      firstOffset: String(from),
    })),
  })
    .filter(({ isControlRecord }) => !isControlRecord)
    .map(({ offset }) => Number(offset));

test('of several transactions under way at once each that was aborted is left out, in whatever order they ended', () => {
  const all = [record(0, 7), record(1, 8), record(2, 9), record(3, 7), marker(4, 8, 'abort'), marker(5, 7, 'abort')];
  expect(committed([...all, marker(6, 9, 'commit'), record(7, 7)], [8, 1], [7, 0])).toEqual([2, 7]);
});

test('a fetch that begins in the middle of several aborted transactions leaves out all of them', () => {
  const all = [record(10, 9), record(11, 8), record(12, 7), record(13, 6), marker(14, 9, 'abort')];
  expect(committed(all, [9, 3], [8, 2], [7, 1])).toEqual([13]);
});

test('a record whose key looks like a marker ends nothing', () => {
  expect(committed([record(0, 7, Buffer.alloc(4)), record(1, 7), marker(2, 7, 'abort')], [7, 0])).toEqual([]);
});

test('kafkajs uses it', () => {
  patchRecords();
  const require = createRequire(import.meta.url);
  const Batch = require('kafkajs/src/consumer/batch') as new (
    topic: string,
    from: string,
    data: object,
  ) => { messages: FetchedMessage[] };
  const messages = [record(10, 8), record(11, 9), marker(12, 9, 'abort'), marker(13, 8, 'abort')];
  const abortedTransactions = [
    { producerId: '9', firstOffset: '3' },
    { producerId: '8', firstOffset: '2' },
  ];
  expect(new Batch('t', '10', { partition: 0, highWatermark: '14', messages, abortedTransactions }).messages).toEqual(
    [],
  );
  expect(committedMessages({ messages, abortedTransactions: null })).toBe(messages);
});
