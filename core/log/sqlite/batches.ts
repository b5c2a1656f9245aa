import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GaplineError } from '../../wire/errors.ts';
import type { LogRecord } from '../port.ts';
import { bytesIn, bytesOf, dataOf, roomFor } from './batch-data.ts';
import { Block, layOutNew, sizeOfNew } from './block.ts';
import type { PackedBlock } from './blocks.ts';
import { damaged } from './errors.ts';
import { decodeSlices, encodeSlices, type Slice } from './slice.ts';
import { compressAtOnce } from './zstd.ts';

/** What one transaction appended, to whatever partitions. */
export interface Batch {
  readonly id: bigint;
  readonly slices: readonly Slice[];
  /** Uncompressed. */
  readonly bytes: number;
}

/** Records on their way to a batch. */
export interface NewSlice {
  readonly partitionId: bigint;
  readonly first: bigint;
  readonly arrivedMs: bigint;
  readonly records: readonly LogRecord[];
  /** Bytes of the records as they are laid out. */
  readonly size: number;
}

const alignment = 8;
const aligned = (size: number): number => Math.ceil(size / alignment) * alignment;
/** What a slice costs beside its data, about, in bytes. */
const overhead = 64;
/** Uncompressed bytes of batches that are remembered, so that those who follow the log need not unpack them. */
const maxRemembered = 32 << 20;

/**
 * Records as they were appended: one row for each transaction, so that it writes few pages however many partitions it is for. Merging
 * puts them into the blocks of their partitions soon, oldest first; where they are until then is kept in memory.
 */
export class Batches {
  readonly #file: string;
  readonly #insert: StatementSync;
  readonly #version: StatementSync;
  readonly #last: StatementSync;
  readonly #oldest: StatementSync;
  readonly #unseen: StatementSync;
  readonly #data: StatementSync;
  readonly #delete: StatementSync;
  readonly #count: StatementSync;
  #known: Batch[] = [];
  #bytes = 0;
  readonly #slices = new Map<bigint, Slice[]>();
  /** The last batch of which is known where its records are, or were. */
  #seen = 0n;
  #seenVersion: unknown;
  #written: { readonly batch: Batch; readonly bytes: Buffer } | undefined;
  readonly #remembered = new Map<bigint, Buffer>();
  #rememberedBytes = 0;

  constructor(db: DatabaseSync, file: string) {
    this.#file = file;
    this.#insert = db.prepare('INSERT INTO log_appended (id, slices, data) VALUES (?, ?, ?)');
    // Changes with each commit of another connection.
    this.#version = db.prepare('PRAGMA data_version');
    this.#last = db.prepare('SELECT max(batch) AS last FROM log_partitions');
    this.#oldest = db.prepare('SELECT min(id) AS oldest FROM log_appended');
    this.#unseen = db.prepare('SELECT id, slices FROM log_appended WHERE id > ? ORDER BY id');
    this.#data = db.prepare('SELECT data FROM log_appended WHERE id = ?');
    this.#delete = db.prepare('DELETE FROM log_appended WHERE id <= ?');
    this.#count = db.prepare('SELECT count(*) AS count FROM log_appended WHERE id <= ?');
  }

  /** Of all batches that are not merged, uncompressed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Batches that are not merged, oldest first; valid until the next append. */
  get all(): readonly Batch[] {
    return this.#known;
  }

  /** Writes what a transaction appends, once, as its last act but for the ends of partitions. Returns its slices in their order. */
  write(parts: readonly NewSlice[]): Batch {
    this.see();
    const id = this.#seen + 1n;
    const room = roomFor(parts.reduce((sum, { size }) => sum + aligned(size), 0));
    const bytes = bytesIn(room);
    let end = 0;
    for (const { records } of parts) {
      const to = layOutNew(records, bytes, end);
      end = aligned(to);
      bytes.fill(0, to, end);
    }
    const data = dataOf(room);
    const share = data.length / bytes.length;
    let from = 0;
    const slices = parts.map(({ partitionId, first, arrivedMs, records, size }): Slice => {
      const place = { from, to: from + size };
      from += aligned(size);
      const next = first + BigInt(records.length);
      const counted = Math.ceil(size * share) + overhead;
      return { batch: id, partitionId, first, next, arrivedMs: Number(arrivedMs), ...place, bytes: counted };
    });
    this.#insert.run(id, encodeSlices(slices), data);
    const batch = { id, slices, bytes: bytes.length };
    this.#written = { batch, bytes };
    return batch;
  }

  /** The transaction was committed. */
  committed(): void {
    const written = this.#written;
    this.#written = undefined;
    if (!written) return;
    this.#add(written.batch);
    this.#seen = written.batch.id;
    this.#remember(written.batch.id, written.bytes);
  }

  /** The transaction was undone. */
  undone(): void {
    this.#written = undefined;
    this.#seenVersion = undefined;
  }

  /** Learns what other processes wrote and merged. Within a transaction that only reads: what others see not yet may be undone. */
  refresh(): void {
    this.forget((this.#oldestInFile() ?? this.#seen + 1n) - 1n);
    this.see();
  }

  /** Whether no batch is gone that is known of. */
  get isCurrent(): boolean {
    return this.#known[0]?.id === this.#oldestInFile();
  }

  #oldestInFile(): bigint | undefined {
    return (this.#oldest.get()?.oldest as bigint | null | undefined) ?? undefined;
  }

  /** Learns what other processes wrote; returns whether there was something. */
  see(): boolean {
    const version = this.#version.get()?.data_version;
    if (version === this.#seenVersion) return false;
    this.#seenVersion = version;
    const last = (this.#last.get()?.last as bigint | null | undefined) ?? 0n;
    if (last <= this.#seen) return false;
    // Between two statements there may be one more.
    for (const { id, slices } of this.#unseen.all(this.#seen)) {
      const decoded = this.#decode(id as bigint, slices as Uint8Array);
      this.#add({ id: id as bigint, slices: decoded, bytes: decoded.at(-1)?.to ?? 0 });
      this.#seen = id as bigint;
    }
    if (last > this.#seen) this.#seen = last;
    return true;
  }

  #decode(id: bigint, bytes: Uint8Array): Slice[] {
    try {
      return decodeSlices(id, bytes);
    } catch (cause) {
      this.#seenVersion = undefined;
      throw damaged(this.#file, `the batch ${id} of records`, cause);
    }
  }

  #add(batch: Batch): void {
    this.#known.push(batch);
    this.#bytes += batch.bytes;
    for (const slice of batch.slices) {
      const others = this.#slices.get(slice.partitionId);
      if (others) others.push(slice);
      else this.#slices.set(slice.partitionId, [slice]);
    }
  }

  /** The slice that holds an offset, or else the first one behind it. */
  at(partitionId: bigint, offset: bigint): Slice | undefined {
    const slices = this.#slices.get(partitionId);
    if (!slices) return undefined;
    let [low, high] = [0, slices.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((slices[middle]?.next ?? 0n) <= offset) low = middle + 1;
      else high = middle;
    }
    return slices[low];
  }

  /**
   * The records of a slice; undefined where another process has merged or deleted them.
   * @throws {GaplineError} `log-corrupt` where its bytes are damaged
   */
  open({ batch, first, arrivedMs, from, to }: Slice): Block | undefined {
    const bytes = this.#remembered.get(batch) ?? this.#read(batch, first);
    return bytes && new Block(bytes.subarray(from, to), { offset: first, arrivedMs });
  }

  /** The bytes of a batch as the file has them, where these are damaged. */
  damaged({ id, slices }: Batch): Uint8Array | undefined {
    try {
      if (!this.#remembered.has(id)) this.#read(id, slices[0]?.first ?? 0n);
      return undefined;
    } catch (error) {
      if (!(error instanceof GaplineError)) throw error;
      return this.#dataOf(id);
    }
  }

  #dataOf(id: bigint): Uint8Array | undefined {
    return this.#data.get(id)?.data as Uint8Array | undefined;
  }

  #read(id: bigint, first: bigint): Buffer | undefined {
    const data = this.#dataOf(id);
    if (!data) {
      this.forget(id);
      return undefined;
    }
    try {
      const bytes = bytesOf(data);
      this.#remember(id, bytes);
      return bytes;
    } catch (cause) {
      throw damaged(this.#file, `the batch of records from ${first} on`, cause);
    }
  }

  #remember(id: bigint, bytes: Buffer): void {
    this.#remembered.set(id, bytes);
    this.#rememberedBytes += bytes.length;
    for (const oldest of this.#remembered.keys()) {
      if (this.#rememberedBytes <= maxRemembered || oldest === id) return;
      this.#drop(oldest);
    }
  }

  #drop(id: bigint): void {
    this.#rememberedBytes -= this.#remembered.get(id)?.length ?? 0;
    this.#remembered.delete(id);
  }

  /** Deletes all batches up to one. False, and nothing is deleted, where these are not so many. Within a write transaction only. */
  delete(through: bigint, count: number): boolean {
    if (Number(this.#count.get(through)?.count) !== count) return false;
    this.#delete.run(through);
    return true;
  }

  /** Batches up to one are no longer there. */
  forget(through: bigint): void {
    const [oldest] = this.#known;
    if (!oldest || oldest.id > through) return;
    this.#known = this.#known.filter(({ id }) => id > through);
    this.#bytes = this.#known.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [partitionId, slices] of this.#slices) {
      const left = slices.filter(({ batch }) => batch > through);
      if (left.length > 0) this.#slices.set(partitionId, left);
      else this.#slices.delete(partitionId);
    }
    for (const id of this.#remembered.keys()) if (id <= through) this.#drop(id);
  }
}

/** A block of records that are too many for a batch. */
export function packNew({ first, arrivedMs: arrived, records }: Omit<NewSlice, 'partitionId' | 'size'>): PackedBlock {
  const bytes = Buffer.allocUnsafeSlow(sizeOfNew(records));
  layOutNew(records, bytes, 0);
  const arrivedMs = Number(arrived);
  return {
    first: { offset: first, arrivedMs },
    last: { offset: first + BigInt(records.length - 1), arrivedMs },
    data: compressAtOnce(bytes),
  };
}
