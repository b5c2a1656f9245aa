import type { Consumer, RecordsBatch } from '@platformatic/kafka';
import type { StoredRecord } from '../../port.ts';

/** What a broker answers to a fetch. */
export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

const isLogAppendTime = 8;
const isTransactional = 16;
const isControl = 32;
const abort = 0;

/** The committed records of a partition in a fetch, and the offset of its last entry, transaction markers included; undefined for none. */
export interface Committed {
  readonly records: StoredRecord[];
  readonly last: bigint | undefined;
}

/**
 * Leaves out the records of aborted transactions. The client's own filter keeps those whose marker is not in the same response, and of
 * several aborted transactions of one producer all but the last. A fetch ends at the last stable offset, so what the broker names as aborted is aborted,
 * and lasts until its marker, or until the end of the response.
 */
export function committedRecords(
  topic: string,
  { partitionIndex, records, abortedTransactions }: FetchedPartition,
): Committed {
  const upcoming = (abortedTransactions ?? []).toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborted = new Set<bigint>();
  const committed: StoredRecord[] = [];
  let last: bigint | undefined;
  for (const batch of records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    last = end;
    while (upcoming[0] && upcoming[0].firstOffset <= end) aborted.add(upcoming.shift()?.producerId ?? -1n);
    if (batch.attributes & isControl) {
      if (batch.records[0]?.key?.readInt16BE(2) === abort) aborted.delete(batch.producerId);
      continue;
    }
    if (batch.attributes & isTransactional && aborted.has(batch.producerId)) continue;
    addRecords(committed, { topic, partition: partitionIndex, batch });
  }
  return { records: committed, last };
}

function addRecords(
  to: StoredRecord[],
  { topic, partition, batch }: { topic: string; partition: number; batch: RecordsBatch },
): void {
  const { firstOffset, firstTimestamp, maxTimestamp, attributes } = batch;
  for (const { offsetDelta, timestampDelta, key, value } of batch.records) {
    to.push({
      topic,
      partition,
      offset: firstOffset + BigInt(offsetDelta),
      arrivedMs: Number(attributes & isLogAppendTime ? maxTimestamp : firstTimestamp + timestampDelta),
      key: key === null ? null : key.toString(),
      value: value ?? new Uint8Array(),
    });
  }
}
