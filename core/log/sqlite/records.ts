import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { textOf, wholeText } from '../../wire/sqlite-text.ts';
import type { LogRecord, StoredRecord } from '../port.ts';
import { type Batches, type NewSlice, packNew } from './batches.ts';
import { type Block, sizeOfNew } from './block.ts';
import type { Blocks, StoredBlock } from './blocks.ts';
import { least, offsetOf, recordId } from './database.ts';
import { inTermsOfLog } from './errors.ts';
import { type Range, Reading, sizeOf } from './reading.ts';
import type { Slice } from './slice.ts';
import type { Partition } from './topics.ts';

/** Where a partition ends within the transaction that is being written. */
interface End {
  next: bigint;
  /** Bytes. Added at the end, because a deletion by retention may share the transaction. */
  added: number;
  arrivedMs: bigint;
  /** Whether its topic is a compacted one: of these single records are deleted, so each is a row. */
  readonly compacted: bigint;
  /** What the batch of the transaction gets. */
  records: LogRecord[];
}

/** Where the record of an offset is: in a slice of a batch, in a block, or else in a row, if there is one. */
export interface Place {
  readonly slice?: Slice;
  readonly block?: StoredBlock;
  /** The offset from which on records are elsewhere. */
  readonly next: bigint;
}

/** Behind every offset. */
const endless = 1n << 44n;

/** So many bytes of one partition are a block at once: merging would gain little, and cost most for them. */
const minBlockBytes = 128 << 10;
const maxBlockBytes = 4 << 20;

/** The offset behind the last of some records; `from` where there is none. */
export function endOf(records: readonly StoredRecord[], from: bigint): bigint {
  const last = records.at(-1);
  return last ? last.offset + 1n : from;
}

/**
 * The records of all topics, by partition and offset; whether one lies in a batch, in a block or is a row of its own is not seen from
 * outside. Writes belong inside a transaction of the {@link SqliteWriter}.
 */
export class Records {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #blocks: Blocks;
  readonly #batches: Batches;
  readonly #insert: StatementSync;
  readonly #tail: StatementSync;
  readonly #move: StatementSync;
  readonly #range: StatementSync;
  readonly #arrived: StatementSync;
  readonly #version: StatementSync;
  readonly #tails = new Map<bigint, End>();
  /** Where partitions end as of the last transaction, until another connection commits. */
  readonly #known = new Map<bigint, End>();
  #knownVersion: unknown;

  constructor(db: DatabaseSync, file: string, { blocks, batches }: { blocks: Blocks; batches: Batches }) {
    this.#db = db;
    this.#file = file;
    this.#blocks = blocks;
    this.#batches = batches;
    this.#insert = db.prepare('INSERT INTO log_rows (id, arrived_ms, key, value) VALUES (?, ?, ?, ?)');
    this.#tail = db.prepare(
      `SELECT p.next, p.arrived_ms AS arrivedMs, t.compacted
       FROM log_partitions p JOIN log_topics t ON t.id = p.topic WHERE p.id = ?`,
    );
    this.#version = db.prepare('PRAGMA data_version');
    this.#move = db.prepare(
      'UPDATE log_partitions SET next = ?, bytes = bytes + ?, arrived_ms = ?, batch = max(batch, ?) WHERE id = ?',
    );
    this.#range = db.prepare(
      `SELECT id, arrived_ms, ${wholeText('key')}, value FROM log_rows WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`,
    );
    this.#range.setReturnArrays(true);
    this.#arrived = db.prepare('SELECT arrived_ms AS arrivedMs FROM log_rows WHERE id >= ? AND id < ? LIMIT 1');
  }

  /** Appends to a partition. Times of arrival never decrease, even where the clock is set back. */
  append(partitionId: bigint, records: readonly LogRecord[]): void {
    const end = this.#endOf(partitionId);
    const now = BigInt(Date.now());
    if (end.arrivedMs < now) end.arrivedMs = now;
    if (end.compacted === 0n) {
      for (const record of records) end.records.push(record);
      return;
    }
    for (const record of records) {
      this.#insert.run(recordId(partitionId, end.next), end.arrivedMs, record.key, record.value);
      end.next += 1n;
      end.added += sizeOf(record);
    }
  }

  #endOf(partitionId: bigint): End {
    const own = this.#tails.get(partitionId);
    if (own) return own;
    if (this.#tails.size === 0) this.#checkKnown();
    const end = this.#known.get(partitionId) ?? this.#look(partitionId);
    this.#tails.set(partitionId, end);
    return end;
  }

  #checkKnown(): void {
    const version = this.#version.get()?.data_version;
    if (version !== this.#knownVersion) this.#known.clear();
    this.#knownVersion = version;
  }

  #look(partitionId: bigint): End {
    const tail = this.#tail.get(partitionId) as unknown as Pick<End, 'next' | 'arrivedMs' | 'compacted'>;
    return { ...tail, added: 0, records: [] };
  }

  /** The next transaction looks for ends in the file again: a topic may have become a compacted one, or was one. */
  forgetEnds(): void {
    this.#knownVersion = undefined;
  }

  /** Writes what this transaction appends, and where its partitions now end. */
  finish(): void {
    const parts: NewSlice[] = [];
    for (const [partitionId, end] of this.#tails) {
      const { next: first, arrivedMs, records } = end;
      if (records.length === 0) continue;
      const size = sizeOfNew(records);
      if (size < minBlockBytes) parts.push({ partitionId, first, arrivedMs, records, size });
      else this.#writeBlocks(partitionId, end);
    }
    const id = parts.length === 0 ? 0n : this.#writeBatch(parts);
    for (const [partition, { next, added, arrivedMs }] of this.#tails)
      this.#move.run(next, added, arrivedMs, id, partition);
  }

  #writeBlocks(partitionId: bigint, end: End): void {
    const { arrivedMs, records } = end;
    for (let from = 0; from < records.length; ) {
      const some = someOf(records, from);
      const packed = packNew({ first: end.next, arrivedMs, records: some });
      this.#appended(partitionId, some.length, this.#blocks.insert(partitionId, packed));
      from += some.length;
    }
  }

  #writeBatch(parts: readonly NewSlice[]): bigint {
    const { id, slices } = this.#batches.write(parts);
    for (const { partitionId, first, next, bytes } of slices) this.#appended(partitionId, Number(next - first), bytes);
    return id;
  }

  #appended(partitionId: bigint, count: number, bytes: number): void {
    const end = this.#endOf(partitionId);
    end.next += BigInt(count);
    end.added += bytes;
  }

  /** The transaction was committed; returns where its partitions end. */
  committed(): [partitionId: bigint, next: bigint][] {
    this.#batches.committed();
    const ends: [bigint, bigint][] = [];
    for (const [id, end] of this.#tails) {
      ends.push([id, end.next]);
      end.added = 0;
      if (end.records.length > 0) end.records = [];
      this.#known.set(id, end);
    }
    this.#tails.clear();
    return ends;
  }

  /** The transaction was undone. */
  undone(): void {
    this.#batches.undone();
    this.#tails.clear();
    this.#known.clear();
  }

  /** Where the record of an offset is, or else those behind it. */
  placeOf(id: bigint, offset: bigint): Place {
    const slice = this.#batches.at(id, offset);
    if (slice && slice.first <= offset) return { slice, next: slice.next };
    if (this.#batches.see()) return this.placeOf(id, offset);
    const block = this.#blocks.at(id, offset);
    if (block && block.first <= offset) return { block, next: block.next };
    const [ofSlice = endless, ofBlock = endless] = [slice?.first, block?.first];
    return { next: least(ofSlice, ofBlock) };
  }

  /** @throws {GaplineError} `log-corrupt` where the file is damaged. */
  read(partition: Partition, range: Range): StoredRecord[] {
    return this.#atOnce(() => {
      const read = new Reading(partition, range);
      const { to } = range;
      for (let next = range.from; next < to && !read.isFull; ) next = this.#readFrom(partition.id, next, to, read);
      return read.records;
    });
  }

  /** Reads on from an offset; returns the one from which on there may be more. */
  #readFrom(id: bigint, from: bigint, to: bigint, read: Reading): bigint {
    const { slice, block, next } = this.placeOf(id, from);
    const end = least(next, to);
    if (slice) {
      const records = this.#batches.open(slice);
      // What was merged meanwhile is looked for again.
      return records ? readBlock(records, from, end, read) : from;
    }
    if (block) return readBlock(this.#blocks.open(block), from, end, read);
    this.#readRows(id, from, end, read);
    return end;
  }

  #readRows(id: bigint, from: bigint, to: bigint, read: Reading): void {
    for (const row of this.#range.iterate(recordId(id, from), recordId(id, to), read.room)) {
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
    if (offset >= to) return undefined;
    const { slice, block, next } = this.placeOf(id, offset);
    if (slice) return slice.arrivedMs;
    // Most blocks answer without being unpacked.
    if (block && block.firstMs === block.lastMs) return block.firstMs;
    if (block) {
      const records = this.#blocks.open(block);
      return records.arrivedMs(records.indexFrom(offset));
    }
    const end = least(next, to);
    const row = this.#arrived.get(recordId(id, offset), recordId(id, end));
    return row ? Number(row.arrivedMs) : this.#arrivedAt(id, end, to);
  }
}

/** As many records as a block should have, from one on. */
function someOf(records: readonly LogRecord[], from: number): readonly LogRecord[] {
  let to = from;
  for (let bytes = 0; to < records.length && bytes < maxBlockBytes; to += 1)
    bytes += records[to]?.value.byteLength ?? 0;
  return from === 0 && to === records.length ? records : records.slice(from, to);
}

/** Reads from an offset up to another one; returns where there may be more. */
function readBlock(block: Block, from: bigint, to: bigint, read: Reading): bigint {
  for (let index = block.indexFrom(from); index < block.length && !read.isFull; index++) {
    const record = block.record(index);
    if (record.offset >= to) break;
    read.add(record);
  }
  return to;
}
