import type { StatementSync } from 'node:sqlite';
import { sleep } from '../../retry/sleep.ts';
import { describeError } from '../../wire/errors.ts';
import type { StoredBlock } from './blocks.ts';
import { Compaction } from './compaction.ts';
import { least, offsetOf, recordId } from './database.ts';
import type { SqliteEngine } from './engine.ts';
import { bytesFrom, type Slice } from './slice.ts';

/** The most records that one transaction deletes. */
const chunk = 1_000;
const writeMs = 5_000;
const ofAnyAge = BigInt(Number.MAX_SAFE_INTEGER);

interface TopicRow {
  readonly id: bigint;
  readonly name: string;
  readonly retentionMs: bigint;
  readonly retentionBytes: bigint | null;
  readonly compacted: bigint;
}

interface PartitionRow {
  readonly id: bigint;
  readonly first: bigint;
  readonly next: bigint;
  readonly bytes: bigint;
  /** Where the slowest group is, and what the oldest checkpoint needs; the end where there is neither. */
  readonly floor: bigint;
}

/**
 * Deletes what is too old or too much, oldest first, but nothing that a group has not taken yet or that a checkpoint needs; of compacted
 * topics, what a later record of the same key has replaced. A block goes as a whole, with the last of its records.
 */
export class Retention {
  readonly #engine: SqliteEngine;
  readonly #topics: StatementSync;
  readonly #partitions: StatementSync;
  readonly #old: StatementSync;
  readonly #oldest: StatementSync;
  readonly #delete: StatementSync;
  readonly #shrink: StatementSync;
  readonly #compaction: Compaction;
  readonly #overdue = new Set<string>();

  constructor(engine: SqliteEngine) {
    const { db } = engine;
    this.#engine = engine;
    this.#topics = db.prepare(
      'SELECT id, name, retention_ms AS retentionMs, retention_bytes AS retentionBytes, compacted FROM log_topics',
    );
    this.#partitions = db.prepare(
      `SELECT p.id, p.first, p.next, p.bytes, min(
         coalesce((SELECT min(next) FROM log_offsets WHERE partition = p.id), p.next),
         coalesce((SELECT min(next) FROM log_holds WHERE partition = p.id), p.next)
       ) AS floor FROM log_partitions p WHERE p.topic = ?`,
    );
    // Keeps in step with sizeOf() of reading.ts.
    this.#old = db.prepare(
      `SELECT max(id) AS last, coalesce(sum(24 + coalesce(octet_length(key), 0) + octet_length(value)), 0) AS bytes
       FROM (SELECT id, key, value, arrived_ms FROM log_rows WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)
       WHERE arrived_ms < ?`,
    );
    this.#oldest = db.prepare('SELECT arrived_ms AS arrivedMs FROM log_rows WHERE id >= ? AND id < ? LIMIT 1');
    this.#delete = db.prepare('DELETE FROM log_rows WHERE id >= ? AND id < ?');
    this.#shrink = db.prepare('UPDATE log_partitions SET first = ?, bytes = bytes - ? WHERE id = ?');
    this.#compaction = new Compaction(engine);
  }

  /** Resolves once nothing more is to be deleted for now, or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (const topic of this.#topics.all() as unknown as TopicRow[]) {
      if (topic.compacted === 1n) {
        for (const partition of this.#of(topic.id)) await this.#compaction.run(partition, signal);
        continue;
      }
      await this.#byAge(topic, signal);
      if (topic.retentionBytes !== null) await this.#bySize(topic, topic.retentionBytes, signal);
    }
    await this.#deleteBatches();
  }

  async #byAge({ id, retentionMs }: TopicRow, signal: AbortSignal): Promise<void> {
    const before = BigInt(Date.now()) - retentionMs;
    for (const partition of this.#of(id)) {
      let { first } = partition;
      while (!signal.aborted && (this.#oldestIn({ ...partition, first }) ?? before) < before) {
        const deleted = await this.#deleteSome({ ...partition, first }, chunk, before);
        if (deleted === 0n) break;
        first += deleted;
      }
    }
  }

  async #bySize({ id, name }: TopicRow, limit: bigint, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const partitions = this.#of(id);
      const held = partitions.reduce((sum, { bytes }) => sum + bytes, 0n);
      const excess = held - limit;
      if (excess <= 0n) break;
      const oldest = this.#oldestOf(partitions);
      if (!oldest) return this.#tellOverdue(name, excess);
      // Its share, not all of the excess: the other partitions' oldest records are older than this one's newest.
      const share = Number(((oldest.next - oldest.first) * excess) / held) + 1;
      if ((await this.#deleteSome(oldest, Math.min(chunk, share), ofAnyAge)) === 0n) return;
    }
    this.#overdue.delete(name);
  }

  #of(topicId: bigint): PartitionRow[] {
    return this.#partitions.all(topicId) as unknown as PartitionRow[];
  }

  #oldestOf(partitions: readonly PartitionRow[]): PartitionRow | undefined {
    let oldest: { partition: PartitionRow; arrivedMs: bigint } | undefined;
    for (const partition of partitions) {
      const arrivedMs = this.#oldestIn(partition);
      if (arrivedMs !== undefined && (!oldest || arrivedMs < oldest.arrivedMs)) oldest = { partition, arrivedMs };
    }
    return oldest?.partition;
  }

  /** When the oldest record arrived that may be deleted. */
  #oldestIn({ id, first, floor }: Pick<PartitionRow, 'id' | 'first' | 'floor'>): bigint | undefined {
    const { slice, block, next } = this.#engine.records.placeOf(id, first);
    if (slice) return first < floor ? BigInt(slice.arrivedMs) : undefined;
    if (block) return next <= floor ? BigInt(block.firstMs) : undefined;
    const row = this.#oldest.get(recordId(id, first), recordId(id, least(next, floor)));
    if (row) return row.arrivedMs as bigint;
    // What was compacted away leaves a hole.
    return next < floor ? this.#oldestIn({ id, first: next, floor }) : undefined;
  }

  /** Deletes the oldest block, or at most `count` of the oldest records, that arrived before a time; resolves with how many. */
  async #deleteSome({ id, first, floor }: PartitionRow, count: number, before: bigint): Promise<bigint> {
    let deleted = 0n;
    await this.#engine.writer.submit({
      bytes: 0,
      deadline: performance.now() + writeMs,
      run: () => {
        const { batches, records, topics } = this.#engine;
        // Something may have been deleted or merged meanwhile.
        if (topics.extent(id).first !== first || !batches.isCurrent) return;
        const { slice, block, next } = records.placeOf(id, first);
        if (slice) {
          deleted = this.#passSlices(id, first, least(floor, first + BigInt(count)), before);
          return;
        }
        if (block) {
          if (next <= floor && block.lastMs < before) deleted = this.#deleteBlock(id, first, block);
          return;
        }
        deleted = this.#deleteRows(id, first, { to: least(next, floor), isHole: next < floor, count, before });
      },
    });
    return deleted;
  }

  #deleteRows(
    id: bigint,
    first: bigint,
    of: { readonly to: bigint; readonly isHole: boolean; readonly count: number; readonly before: bigint },
  ): bigint {
    const { to, isHole, count, before } = of;
    const found = this.#old.get(recordId(id, first), recordId(id, to), count, before);
    const { bytes, last } = found as { bytes: bigint; last: bigint | null };
    if (last === null) {
      // Nothing is there that would be too young.
      if (!isHole || this.#oldest.get(recordId(id, first), recordId(id, to))) return 0n;
      this.#shrink.run(to, 0, id);
      return to - first;
    }
    const next = offsetOf(last) + 1n;
    this.#delete.run(recordId(id, first), recordId(id, next));
    this.#shrink.run(next, bytes, id);
    return next - first;
  }

  /** Puts the beginning of a partition behind records of batches, which stay until nothing of them is needed. */
  #passSlices(id: bigint, first: bigint, most: bigint, before: bigint): bigint {
    let to = first;
    let bytes = 0;
    while (to < most) {
      const { slice } = this.#engine.records.placeOf(id, to);
      if (!slice || slice.arrivedMs >= before) break;
      const end = least(slice.next, most);
      bytes += bytesFrom(slice, to) - bytesFrom(slice, end);
      to = end;
    }
    if (to > first) this.#shrink.run(to, bytes, id);
    return to - first;
  }

  /** Deletes the oldest batches of which no partition has anything left. */
  async #deleteBatches(): Promise<void> {
    const { batches, topics, writer } = this.#engine;
    const isPassed = ({ partitionId, next }: Slice) => topics.extent(partitionId).first >= next;
    const kept = batches.all.findIndex(({ slices }) => !slices.every(isPassed));
    const passed = batches.all.slice(0, kept < 0 ? batches.all.length : kept);
    const last = passed.at(-1);
    if (!last) return;
    let deleted = false;
    await writer.submit({
      bytes: 0,
      deadline: performance.now() + writeMs,
      run: () => {
        deleted = batches.delete(last.id, passed.length);
      },
    });
    if (deleted) batches.forget(last.id);
  }

  #deleteBlock(id: bigint, first: bigint, block: StoredBlock): bigint {
    this.#engine.blocks.delete(block);
    this.#shrink.run(block.next, block.bytes, id);
    return block.next - first;
  }

  #tellOverdue(topic: string, excess: bigint): void {
    if (this.#overdue.has(topic)) return;
    this.#overdue.add(topic);
    this.#engine.logger.warn(
      { topic },
      `${topic} is ${excess} bytes larger than it may be: a group has not taken what would be deleted`,
    );
  }
}

/** Runs the retention periodically until the signal aborts. */
export async function keepRetention(engine: SqliteEngine, everyMs: number, signal: AbortSignal): Promise<void> {
  const retention = new Retention(engine);
  while (!signal.aborted) {
    try {
      await retention.run(signal);
    } catch (error) {
      engine.logger.warn(`Nothing could be deleted from the log: ${describeError(error)}`);
    }
    await sleep(everyMs, { signal, ref: false });
  }
}
