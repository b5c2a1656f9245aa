import type { RecordsBatch } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { texts } from '../../contract/fixture.ts';
import { committedRecords } from './records.ts';

const transactional = 16;
const control = 32;

/** A batch of one producer: records named by their offsets, or a marker that ends its transaction. */
function batch(firstOffset: number, count: number, producer: number, marker?: 'abort' | 'commit'): RecordsBatch {
  const key = marker ? Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1]) : null;
  return {
    ...{ firstOffset: BigInt(firstOffset), lastOffsetDelta: count - 1, producerId: BigInt(producer) },
    ...{ attributes: transactional | (marker ? control : 0), firstTimestamp: 5n, maxTimestamp: 9n },
    ...{ length: 0, partitionLeaderEpoch: 0, magic: 2, crc: 0, producerEpoch: 0, firstSequence: 0 },
    records: Array.from({ length: count }, (_, offsetDelta) => ({
      ...{ length: 0, attributes: 0, timestampDelta: 1n, offsetDelta, key, headers: [] },
      value: Buffer.from(String(firstOffset + offsetDelta)),
    })),
  };
}

const fetched = (records: RecordsBatch[], ...aborted: [producer: number, from: number][]) => {
  const abortedTransactions = aborted.map(([producer, from]) => ({
    producerId: BigInt(producer),
    firstOffset: BigInt(from),
  }));
  const rest = { partitionIndex: 3, errorCode: 0, highWatermark: 0n, lastStableOffset: 0n, logStartOffset: 0n };
  return committedRecords('t', { ...rest, preferredReadReplica: -1, abortedTransactions, records });
};

test('records of an aborted transaction are left out where its marker comes in a later response', () => {
  const { records, last } = fetched([batch(0, 2, 7), batch(2, 3, 8), batch(5, 1, 7, 'commit')], [8, 2]);
  expect(texts(records)).toEqual(['0', '1']);
  expect(last).toBe(5n);
});

test('each of several aborted transactions of one producer is left out, and what it committed between them is not', () => {
  const own = [batch(0, 2, 7), batch(2, 1, 7, 'abort'), batch(3, 2, 7), batch(5, 1, 7, 'commit')];
  const { records, last } = fetched([...own, batch(6, 2, 7), batch(8, 1, 7, 'abort')], [7, 6], [7, 0]);
  expect(texts(records)).toEqual(['3', '4']);
  expect(last).toBe(8n);
});

test('the time of arrival is the broker’s where the topic keeps that', () => {
  const own = batch(0, 1, 7);
  expect(fetched([own]).records).toMatchObject([{ topic: 't', partition: 3, offset: 0n, arrivedMs: 6 }]);
  expect(fetched([{ ...own, attributes: own.attributes | 8 }]).records).toMatchObject([{ arrivedMs: 9 }]);
  expect(fetched([])).toEqual({ records: [], last: undefined });
});
