import type { LogRecord } from '../../core/log/port.ts';
import { checksum, decodeRecords } from './chunk.ts';
import type { Chunk, Tables } from './tables.ts';

/** The oldest readings of the spool. */
export interface SpoolBatch {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly chunks: number;
  /** The number of its last chunk. */
  readonly last: number;
}

/** Smaller than the number of any chunk, even of one whose number was damaged. */
export const noChunk = Number.MIN_SAFE_INTEGER;

/**
 * The oldest chunks whose number is larger than `after`; or the oldest one if that is damaged. Chunks before a damaged one are returned first.
 */
export function readBatch(tables: Tables, after: number, maxBytes: number): { batch?: SpoolBatch; damaged?: Chunk } {
  const records: LogRecord[] = [];
  let [last, bytes, chunks] = [noChunk, 0, 0];
  for (const chunk of tables.chunks(after)) {
    if (records.length > 0 && bytes + chunk.payload.byteLength > maxBytes) break;
    if (checksum(chunk.id, chunk.records, chunk.payload) !== chunk.checksum) {
      if (records.length > 0) break;
      return { damaged: chunk };
    }
    last = Math.max(last, chunk.id);
    chunks += 1;
    bytes += chunk.payload.byteLength;
    for (const record of decodeRecords(chunk.payload)) records.push(record);
  }
  return records.length === 0 ? {} : { batch: { records, bytes, chunks, last } };
}
