import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Reader, type RecordsBatch, readRecordsBatch } from '@platformatic/kafka';
import type { StoredRecord } from '../../../core/log/port.ts';

/** Offset and length, which stand before what the length counts. */
const headBytes = 12;
const isTransactional = 16;
const isControl = 32;
const commit = 1;

/** The batches in the files of one partition, in their order. What a crash cut off in the end is left out. */
export function* batchesOf(partitionFolder: string): Generator<RecordsBatch> {
  const files = readdirSync(partitionFolder).filter((name) => name.endsWith('.log'));
  for (const name of files.sort()) {
    const bytes = readFileSync(join(partitionFolder, name));
    for (let at = 0; at + headBytes <= bytes.length; ) {
      const length = headBytes + bytes.readInt32BE(at + 8);
      if (length <= headBytes || at + length > bytes.length) break;
      yield readRecordsBatch(Reader.from(bytes.subarray(at, at + length)));
      at += length;
    }
  }
}

/** The records that a read-committed consumer would see in the files of one partition, in the order of their offsets. */
export function committedIn(partitionFolder: string, topic: string, partition: number): StoredRecord[] {
  const committed: StoredRecord[] = [];
  const open = new Map<bigint, StoredRecord[]>();
  for (const batch of batchesOf(partitionFolder)) {
    const { attributes, producerId, records } = batch;
    if (attributes & isControl) {
      if (records[0]?.key?.readInt16BE(2) === commit) committed.push(...(open.get(producerId) ?? []));
      open.delete(producerId);
      continue;
    }
    const own = storedRecords(batch, topic, partition);
    if (attributes & isTransactional) open.set(producerId, [...(open.get(producerId) ?? []), ...own]);
    else committed.push(...own);
  }
  return committed.sort((a, b) => (a.offset < b.offset ? -1 : 1));
}

const storedRecords = (
  { firstOffset, firstTimestamp, records }: RecordsBatch,
  topic: string,
  partition: number,
): StoredRecord[] =>
  records.map(({ offsetDelta, timestampDelta, key, value }) => ({
    ...{ topic, partition, offset: firstOffset + BigInt(offsetDelta) },
    arrivedMs: Number(firstTimestamp + timestampDelta),
    key: key === null ? null : key.toString(),
    value: value ?? new Uint8Array(),
  }));
