import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { textOf, wholeText } from '../../wire/sqlite-text.ts';
import type { LogRecord, StoredRecord } from '../port.ts';
import type { BlockRecord } from './block.ts';
import type { Blocks } from './blocks.ts';
import { offsetOf, recordId } from './database.ts';
import { inTermsOfLog } from './errors.ts';
import type { Partition } from './topics.ts';

/** Where a partition ends within the transaction that is being written. */
interface End {
  next: bigint;
  /** Bytes. Added at the end, because a deletion by retention may share the transaction. */
  added: number;
  arrivedMs: bigint;
}

/** What a record costs beside its key and value, about, in bytes. */
const overhead = 24;
export const sizeOf = ({ key, value }: LogRecord): number =>
  overhead + (key === null ? 0 : Buffer.byteLength(key)) + value.byteLength;

/** The offset behind the last of some records; `from` where there is none. */
export function endOf(records: readonly StoredRecord[], from: bigint): bigint {
  const last = records.at(-1);
  return last ? last.offset + 1n : from;
}

/** A part of a partition to be read: offsets from `from` up to but not including `to`. */
export interface Range {
  readonly from: bigint;
  readonly to: bigint;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/**
 * The records of all topics, by partition and offset; whether one lies in a block or is a row of its own is not seen from outside.
 * Writes belong inside a transaction of the {@link Writer}.
 */
export class Records {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #blocks: Blocks;
  readonly #insert: StatementSync;
  readonly #tail: StatementSync;
  readonly #move: StatementSync;
  readonly #range: StatementSync;
  readonly #arrived: StatementSync;
  readonly #tails = new Map<bigint, End>();

  constructor(db: DatabaseSync, file: string, blocks: Blocks) {
    this.#db = db;
    this.#file = file;
    this.#blocks = blocks;
    this.#insert = db.prepare('INSERT INTO log_records (id, arrived_ms, key, value) VALUES (?, ?, ?, ?)');
    this.#tail = db.prepare('SELECT next, arrived_ms AS arrivedMs FROM log_partitions WHERE id = ?');
    this.#move = db.prepare('UPDATE log_partitions SET next = ?, bytes = bytes + ?, arrived_ms = ? WHERE id = ?');
    this.#range = db.prepare(
      `SELECT id, arrived_ms, ${wholeText('key')}, value FROM log_records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`,
    );
    this.#range.setReturnArrays(true);
    this.#arrived = db.prepare('SELECT arrived_ms AS arrivedMs FROM log_records WHERE id >= ? AND id < ? LIMIT 1');
  }

  /** Appends to a partition. Times of arrival never decrease, even where the clock is set back. */
  append(partitionId: bigint, records: readonly LogRecord[]): void {
    let tail = this.#tails.get(partitionId);
    if (!tail) {
      tail = { ...(this.#tail.get(partitionId) as unknown as Pick<End, 'next' | 'arrivedMs'>), added: 0 };
      this.#tails.set(partitionId, tail);
    }
    const now = BigInt(Date.now());
    if (tail.arrivedMs < now) tail.arrivedMs = now;
    for (const record of records) {
      this.#insert.run(recordId(partitionId, tail.next), tail.arrivedMs, record.key, record.value);
      tail.next += 1n;
      tail.added += sizeOf(record);
    }
  }

  /** Stores where the partitions of this transaction now end. */
  finish(): void {
    for (const [id, { next, added, arrivedMs }] of this.#tails) this.#move.run(next, added, arrivedMs, id);
  }

  /** Forgets the transaction; returns where its partitions end. */
  clear(): [partitionId: bigint, next: bigint][] {
    const ends = [...this.#tails].map(([id, { next }]) => [id, next] as [bigint, bigint]);
    this.#tails.clear();
    return ends;
  }

  /** @throws {GaplineError} `log-corrupt` where the file is damaged. */
  read(partition: Partition, range: Range): StoredRecord[] {
    return this.#atOnce(() => {
      const read = new Reading(partition, range);
      const from = this.#readBlocks(partition.id, range, read);
      if (!read.isFull) this.#readRows(partition.id, { ...range, from }, read);
      return read.records;
    });
  }

  /** Reads what lies in blocks; returns the offset from which on the records are rows. */
  #readBlocks(id: bigint, { from, to }: Range, read: Reading): bigint {
    let next = from;
    while (next < to && !read.isFull) {
      const found = this.#blocks.at(id, next);
      if (!found || found.first >= to) break;
      const block = this.#blocks.open(found);
      for (let index = block.indexFrom(next); index < block.length && !read.isFull; index++) {
        const record = block.record(index);
        if (record.offset >= to) break;
        read.add(record);
      }
      ({ next } = found);
    }
    return next;
  }

  #readRows(id: bigint, { from, to, maxRecords }: Range, read: Reading): void {
    for (const row of this.#range.iterate(recordId(id, from), recordId(id, to), maxRecords)) {
      const [rowId, arrivedMs, key, value] = row as unknown as [bigint, bigint, string | Uint8Array | null, Uint8Array];
      const text = key === null ? null : textOf(key);
      read.add({ offset: offsetOf(rowId), arrivedMs: Number(arrivedMs), key: text, value });
      if (read.isFull) break;
    }
  }

  /** Sees the file as it is at one moment: between two statements another process may pack or delete what is read. */
  #atOnce<T>(work: () => T): T {
    if (this.#db.isTransaction) return inTermsOfLog(this.#file, work);
    return inTermsOfLog(this.#file, () => {
      this.#db.exec('BEGIN');
      try {
        return work();
      } finally {
        if (this.#db.isTransaction) this.#db.exec('COMMIT');
      }
    });
  }

  /** The first offset in a range whose record arrived at or after a time; `to` where there is none. */
  firstSince(id: bigint, sinceMs: number, { from, to }: Pick<Range, 'from' | 'to'>): bigint {
    return this.#atOnce(() => {
      let low = from;
      for (let high = to; low < high; ) {
        const middle = (low + high) >> 1n;
        if ((this.#arrivedAt(id, middle, to) ?? sinceMs) < sinceMs) low = middle + 1n;
        else high = middle;
      }
      return low;
    });
  }

  /** When the record arrived that has this offset, or else the next one below `to`. */
  #arrivedAt(id: bigint, offset: bigint, to: bigint): number | undefined {
    const found = this.#blocks.at(id, offset);
    if (found && found.first < to) {
      // Most blocks answer without being unpacked.
      if (offset <= found.first || found.firstMs === found.lastMs) return found.firstMs;
      const block = this.#blocks.open(found);
      return block.arrivedMs(block.indexFrom(offset));
    }
    const row = this.#arrived.get(recordId(id, offset), recordId(id, to));
    return row && Number(row.arrivedMs);
  }
}

/** Records of a partition that are gathered until there are as many or as large as was asked for. */
class Reading {
  readonly records: StoredRecord[] = [];
  readonly #partition: Partition;
  readonly #range: Range;
  #bytes = 0;

  constructor(partition: Partition, range: Range) {
    this.#partition = partition;
    this.#range = range;
  }

  get isFull(): boolean {
    return this.records.length >= this.#range.maxRecords || this.#bytes >= this.#range.maxBytes;
  }

  add({ offset, arrivedMs, key, value }: BlockRecord): void {
    const { topic, number: partition } = this.#partition;
    const record = { topic, partition, offset, arrivedMs, key, value };
    this.records.push(record);
    this.#bytes += sizeOf(record);
  }
}
