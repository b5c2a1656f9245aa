import type { StatementSync } from 'node:sqlite';
import { atOnce, createPace, type Pace } from '../../retry/pace.ts';
import { sleep } from '../../retry/sleep.ts';
import { describeError } from '../../wire/errors.ts';
import { textOf, wholeText } from '../../wire/sqlite-text.ts';
import type { BlockRecord } from './block.ts';
import { type PackedBlock, packRecords } from './blocks.ts';
import { offsetOf, recordId } from './database.ts';
import type { SqliteEngine } from './engine.ts';
import { sizeOf } from './reading.ts';

const writeMs = 5_000;

export interface PackingOptions {
  /** Default 512: larger blocks are hardly smaller by record, and one record is read by unpacking all of them. */
  readonly recordsPerBlock?: number;
  /** A block ends with the record that takes it past this, unpacked. Default 1 MB. */
  readonly bytesPerBlock?: number;
  /** How often to look for records to pack. Default 5 s. */
  readonly everyMs?: number;
  /** Whether it leaves most of the time to the rest of the process. Default true. */
  readonly paced?: boolean;
  /** So many batches are merged into blocks at once, or so many bytes of them, unpacked. Default 2,048 and 8 MB. */
  readonly batches?: number;
  readonly batchBytes?: number;
  /** Whether blocks of batches are compressed as quickly as can be, and are larger for it. Default false. */
  readonly quick?: boolean;
}

interface PartitionRow {
  readonly id: bigint;
  readonly first: bigint;
  readonly next: bigint;
}

/**
 * Replaces the oldest rows of each partition by blocks, as soon as they fill one. Offsets, keys, values and times of arrival stay. Rows are
 * what an earlier version wrote, or what a topic has that was a compacted one.
 */
class Packing {
  readonly #engine: SqliteEngine;
  readonly #recordsPerBlock: number;
  readonly #bytesPerBlock: number;
  readonly #partitions: StatementSync;
  readonly #size: StatementSync;
  readonly #rows: StatementSync;
  readonly #count: StatementSync;
  readonly #delete: StatementSync;
  readonly #shrink: StatementSync;
  /** By partition, its end when there were too few rows for a block. */
  readonly #tooFew = new Map<bigint, bigint>();

  constructor(engine: SqliteEngine, { recordsPerBlock = 512, bytesPerBlock = 1 << 20 }: PackingOptions) {
    const { db } = engine;
    this.#engine = engine;
    this.#recordsPerBlock = recordsPerBlock;
    this.#bytesPerBlock = bytesPerBlock;
    // Of a compacted topic single records are deleted.
    this.#partitions = db.prepare(
      `SELECT p.id, p.first, p.next FROM log_partitions p JOIN log_topics t ON t.id = p.topic
       WHERE t.compacted = 0 AND p.next > p.first`,
    );
    // The values themselves are not read for this.
    this.#size = db.prepare(
      `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes
       FROM (SELECT octet_length(value) AS bytes FROM log_rows WHERE id >= ? AND id < ? LIMIT ?)`,
    );
    this.#rows = db.prepare(
      `SELECT id, arrived_ms AS arrivedMs, ${wholeText('key')}, value FROM log_rows
       WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`,
    );
    this.#count = db.prepare('SELECT count(*) AS count FROM log_rows WHERE id >= ? AND id < ?');
    this.#delete = db.prepare('DELETE FROM log_rows WHERE id >= ? AND id < ?');
    this.#shrink = db.prepare('UPDATE log_partitions SET bytes = bytes - ? WHERE id = ?');
  }

  /** Resolves once no partition has enough rows for a block, or the signal aborts. */
  async run(pace: Pace, signal: AbortSignal): Promise<void> {
    for (const partition of this.#partitions.all() as unknown as PartitionRow[]) {
      while (!signal.aborted && this.#tooFew.get(partition.id) !== partition.next) {
        const began = performance.now();
        const records = this.#nextBlock(partition);
        if (records.length === 0) this.#tooFew.set(partition.id, partition.next);
        const packed = await packRecords(records);
        if (!packed || signal.aborted) break;
        const packMs = performance.now() - began;
        await pace(packMs + (await this.#replace(partition.id, records, packed)));
      }
    }
  }

  /** The oldest rows of a partition; none where they do not fill a block. */
  #nextBlock({ id, first, next }: PartitionRow): BlockRecord[] {
    const range = [recordId(id, first), recordId(id, next), this.#recordsPerBlock] as const;
    const size = this.#size.get(...range);
    if (Number(size?.count) < this.#recordsPerBlock && Number(size?.bytes) < this.#bytesPerBlock) return [];
    const records: BlockRecord[] = [];
    let bytes = 0;
    let end: bigint | undefined;
    for (const row of this.#rows.iterate(...range)) {
      const key = row.key === null ? null : textOf(row.key as string | Uint8Array);
      const place = { offset: offsetOf(row.id as bigint), arrivedMs: Number(row.arrivedMs) };
      // What stands behind these rows otherwise must not be within their block.
      end ??= this.#engine.records.placeOf(id, place.offset).next;
      if (place.offset >= end) break;
      const record = { ...row, ...place, key } as unknown as BlockRecord;
      records.push(record);
      bytes += sizeOf(record);
      if (bytes >= this.#bytesPerBlock) break;
    }
    return records;
  }

  /** Puts the block in the place of its rows, in one transaction. Resolves with how long that took, in milliseconds. */
  async #replace(partitionId: bigint, records: readonly BlockRecord[], packed: PackedBlock): Promise<number> {
    const range = [recordId(partitionId, packed.first.offset), recordId(partitionId, packed.last.offset + 1n)] as const;
    let workedMs = 0;
    await this.#engine.writer.submit({
      bytes: packed.data.byteLength,
      deadline: performance.now() + writeMs,
      run: () => {
        const began = performance.now();
        // Another process, or the retention, may have been here meanwhile. A record never changes: as many are the same ones.
        if (Number(this.#count.get(...range)?.count) !== records.length) return;
        const bytes = this.#engine.blocks.insert(partitionId, packed);
        this.#delete.run(...range);
        this.#shrink.run(
          records.reduce((sum, record) => sum + sizeOf(record), -bytes),
          partitionId,
        );
        workedMs = performance.now() - began;
      },
    });
    return workedMs;
  }
}

/** Packs records in the background until the signal aborts, at a pace that leaves the time to appends and readers. */
export async function keepPacking(engine: SqliteEngine, options: PackingOptions, signal: AbortSignal): Promise<void> {
  const { everyMs = 5_000, paced = true } = options;
  const packing = new Packing(engine, options);
  const pace = paced ? createPace(signal) : atOnce;
  let failed = false;
  while (!signal.aborted) {
    try {
      await packing.run(pace, signal);
      failed = false;
    } catch (error) {
      // Nothing is lost: the records stay as they are. Once is enough to say it.
      if (!failed) engine.logger.warn(`The records of the log cannot be packed: ${describeError(error)}`);
      failed = true;
    }
    await sleep(everyMs, { signal, ref: false });
  }
}
