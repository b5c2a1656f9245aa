import type { StatementSync } from 'node:sqlite';
import { recordId } from './database.ts';
import type { SqliteEngine } from './engine.ts';

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
  /** By partition, its end and floor when it was last looked through. */
  readonly #seen = new Map<bigint, string>();

  constructor(engine: SqliteEngine) {
    const { db } = engine;
    this.#engine = engine;
    this.#replaced = db.prepare(
      `SELECT id, 24 + octet_length(key) + octet_length(value) AS bytes FROM log_records
       WHERE id >= ?1 AND id < ?4 AND key IS NOT NULL
       AND id NOT IN (SELECT max(id) FROM log_records WHERE id >= ?1 AND id < ?2 AND key IS NOT NULL GROUP BY key) LIMIT ?3`,
    );
    this.#delete = db.prepare('DELETE FROM log_records WHERE id = ?');
    this.#shrink = db.prepare('UPDATE log_partitions SET bytes = bytes - ? WHERE id = ?');
  }

  /**
   * Looks through a partition if anything was added to it, or is needed no more. The offsets of what is left stay as they are.
   * @param floor - where the slowest group is, and what the oldest checkpoint needs: nothing from there on is deleted
   */
  async run({ id, first, next, floor }: CompactedPartition, signal: AbortSignal): Promise<void> {
    const seen = `${next} ${floor}`;
    if (this.#seen.get(id) === seen) return;
    const range = [recordId(id, first), recordId(id, next), chunk, recordId(id, floor)] as const;
    for (let deleted = chunk; deleted === chunk && !signal.aborted; ) {
      await this.#engine.writer.submit({
        bytes: 0,
        deadline: performance.now() + writeMs,
        run: () => {
          const replaced = this.#replaced.all(...range) as unknown as { id: bigint; bytes: bigint }[];
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
}
