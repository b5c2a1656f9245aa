import type { StatementSync } from 'node:sqlite';
import { GaplineError } from '../../wire/errors.ts';
import type { BlockRecord } from './block.ts';
import type { StoredBlock } from './blocks.ts';
import { recordId } from './database.ts';
import type { SqliteEngine } from './engine.ts';
import { mergeAll } from './merging.ts';
import { sizeOf } from './reading.ts';

/** The most records that one transaction deletes. */
const chunk = 1_000;
const writeMs = 5_000;

interface CompactedPartition {
  readonly id: bigint;
  readonly first: bigint;
  readonly next: bigint;
  readonly floor: bigint;
}

/** Keeps the last record of each key. */
export class Compaction {
  readonly #engine: SqliteEngine;
  readonly #replaced: StatementSync;
  readonly #delete: StatementSync;
  readonly #shrink: StatementSync;
  readonly #insert: StatementSync;
  /** Partitions with a damaged block. */
  readonly #damaged = new Set<bigint>();
  /** By partition, its end and floor when it was last looked through. */
  readonly #seen = new Map<bigint, string>();

  constructor(engine: SqliteEngine) {
    const { db } = engine;
    this.#engine = engine;
    this.#replaced = db.prepare(
      `SELECT id, 24 + octet_length(key) + octet_length(value) AS bytes FROM log_rows
       WHERE id >= :first AND id < :floor AND key IS NOT NULL
       AND id NOT IN (SELECT max(id) FROM log_rows WHERE id >= :first AND id < :next AND key IS NOT NULL GROUP BY key)
       LIMIT ${chunk}`,
    );
    this.#delete = db.prepare('DELETE FROM log_rows WHERE id = ?');
    this.#shrink = db.prepare('UPDATE log_partitions SET bytes = bytes - ? WHERE id = ?');
    this.#insert = db.prepare('INSERT INTO log_rows (id, arrived_ms, key, value) VALUES (?, ?, ?, ?)');
  }

  /**
   * Looks through a partition if anything was added to it, or is needed no more. The offsets of what is left stay as they are.
   * @param floor - where the slowest group is, and what the oldest checkpoint needs: nothing from there on is deleted
   */
  async run({ id, first, next, floor }: CompactedPartition, signal: AbortSignal): Promise<void> {
    const seen = `${next} ${floor}`;
    if (this.#seen.get(id) === seen) return;
    if (this.#engine.batches.at(id, first)) await mergeAll(this.#engine, signal);
    await this.#unpack(id, signal);
    const range = { first: recordId(id, first), next: recordId(id, next), floor: recordId(id, floor) };
    for (let deleted = chunk; deleted === chunk && !signal.aborted; ) {
      await this.#engine.writer.submit({
        bytes: 0,
        deadline: performance.now() + writeMs,
        run: () => {
          const replaced = this.#replaced.all(range) as unknown as { id: bigint; bytes: bigint }[];
          for (const record of replaced) this.#delete.run(record.id);
          this.#shrink.run(
            replaced.reduce((sum, { bytes }) => sum + bytes, 0n),
            id,
          );
          deleted = replaced.length;
        },
      });
    }
    if (!signal.aborted) this.#seen.set(id, seen);
  }

  /**
   * Makes rows of the blocks of a partition again: its topic was packed before it was made one that is compacted, and single records are
   * deleted from rows only. The last block first, because in a partition blocks come before rows.
   */
  async #unpack(id: bigint, signal: AbortSignal): Promise<void> {
    const { blocks, writer } = this.#engine;
    for (let block = blocks.last(id); block && !signal.aborted; block = blocks.last(id)) {
      const stored = block;
      const records = this.#recordsOf(id, stored);
      if (records === undefined) return;
      await writer.submit({
        bytes: records.reduce((sum, record) => sum + record.value.byteLength, 0),
        deadline: performance.now() + writeMs,
        run: () => {
          // Another process may have been here meanwhile.
          if (blocks.last(id)?.id !== stored.id) return;
          const { first } = this.#engine.topics.extent(id);
          // Retention may have passed the others.
          const left = records.filter(({ offset }) => offset >= first);
          for (const { offset, arrivedMs, key, value } of left)
            this.#insert.run(recordId(id, offset), arrivedMs, key, value);
          blocks.delete(stored);
          this.#shrink.run(stored.bytes - BigInt(left.reduce((sum, record) => sum + sizeOf(record), 0)), id);
        },
      });
    }
  }

  /** Undefined where the block is damaged: what lies behind it is compacted all the same. */
  #recordsOf(id: bigint, stored: StoredBlock): BlockRecord[] | undefined {
    try {
      const block = this.#engine.blocks.open(stored);
      return Array.from({ length: block.length }, (_, index) => block.record(index));
    } catch (error) {
      if (!(error instanceof GaplineError) || error.code !== 'log-corrupt') throw error;
      if (!this.#damaged.has(id)) this.#engine.logger.warn(`${error.message}; it is not compacted`);
      this.#damaged.add(id);
      return undefined;
    }
  }
}
