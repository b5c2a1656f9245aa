import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Block, type BlockRecord, type BlockStart, layOut } from './block.ts';
import { offsetOf, recordId } from './database.ts';
import { damaged } from './errors.ts';
import { compress, decompress } from './zstd.ts';

/** A block as the file keeps it. Of a partition the blocks come first, then the records that are rows of their own. */
export interface StoredBlock {
  readonly id: bigint;
  /** The offset of its first record. */
  readonly first: bigint;
  /** The offset behind its last record. */
  readonly next: bigint;
  readonly firstMs: number;
  readonly lastMs: number;
  /** What it counts in the bytes of its partition. */
  readonly bytes: bigint;
}

interface Row {
  readonly id: bigint;
  readonly first: bigint;
  readonly firstMs: bigint;
  readonly lastMs: bigint;
  readonly bytes: bigint;
}

/** What a block costs beside its data, about, in bytes. */
const overhead = 64;

/**
 * Records that were packed together, by partition and the offset of their last record. What a block holds never changes, so it can be
 * remembered; whether it is still there must be looked up.
 */
export class Blocks {
  readonly #file: string;
  readonly #at: StatementSync;
  readonly #last: StatementSync;
  readonly #data: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  #opened: { readonly id: bigint; readonly block: Block } | undefined;

  constructor(db: DatabaseSync, file: string) {
    this.#file = file;
    const some = `SELECT id, first, first_ms AS firstMs, last_ms AS lastMs, octet_length(data) + ${overhead} AS bytes
       FROM log_blocks WHERE id >= ? AND id < ?`;
    this.#at = db.prepare(`${some} ORDER BY id LIMIT 1`);
    this.#last = db.prepare(`${some} ORDER BY id DESC LIMIT 1`);
    this.#data = db.prepare('SELECT data FROM log_blocks WHERE id = ?');
    this.#insert = db.prepare('INSERT INTO log_blocks (id, first, first_ms, last_ms, data) VALUES (?, ?, ?, ?, ?)');
    this.#delete = db.prepare('DELETE FROM log_blocks WHERE id = ?');
  }

  /** The block that holds an offset, or else the first one behind it. */
  at(partitionId: bigint, offset: bigint): StoredBlock | undefined {
    return this.#one(this.#at, partitionId, offset);
  }

  /** The last block of a partition. */
  last(partitionId: bigint): StoredBlock | undefined {
    return this.#one(this.#last, partitionId, 0n);
  }

  #one(statement: StatementSync, partitionId: bigint, offset: bigint): StoredBlock | undefined {
    const row = statement.get(recordId(partitionId, offset), recordId(partitionId + 1n, 0n)) as unknown as
      | Row
      | undefined;
    if (!row) return undefined;
    return { ...row, next: offsetOf(row.id) + 1n, firstMs: Number(row.firstMs), lastMs: Number(row.lastMs) };
  }

  /** @throws {GaplineError} `log-corrupt` where its bytes are damaged. */
  open({ id, first, firstMs }: StoredBlock): Block {
    if (this.#opened?.id !== id) {
      const data = this.#data.get(id)?.data as Uint8Array;
      try {
        this.#opened = { id, block: new Block(decompress(data), { offset: first, arrivedMs: firstMs }) };
      } catch (cause) {
        throw damaged(this.#file, `the block of records from ${first} on`, cause);
      }
    }
    return this.#opened.block;
  }

  /** Within a write transaction only. Returns what the block counts in the bytes of its partition. */
  insert(partitionId: bigint, { first, last, data }: PackedBlock): number {
    this.#insert.run(recordId(partitionId, last.offset), first.offset, first.arrivedMs, last.arrivedMs, data);
    return data.byteLength + overhead;
  }

  /** Within a write transaction only. */
  delete({ id }: StoredBlock): void {
    this.#delete.run(id);
  }
}

export interface PackedBlock {
  readonly first: BlockStart;
  readonly last: BlockStart;
  readonly data: Uint8Array;
}

/** Packs records of one partition; undefined where there are none. */
export async function packRecords(records: readonly BlockRecord[]): Promise<PackedBlock | undefined> {
  const [first, last] = [records[0], records.at(-1)];
  return first && last && { first, last, data: await compress(layOut(records)) };
}
