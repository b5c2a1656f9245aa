import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GaplineError } from '../../wire/errors.ts';
import type { TopicSpec } from '../port.ts';

export interface Partition {
  readonly id: bigint;
  readonly topic: string;
  readonly number: number;
}

/** What a partition holds: offsets from `first` up to but not including `next`. */
export interface Extent {
  readonly first: bigint;
  readonly next: bigint;
}

/** The topics of a file and their partitions, in order of their number. They are looked up once and remembered: partitions never change. */
export class Topics {
  readonly #db: DatabaseSync;
  readonly #known = new Map<string, readonly Partition[]>();
  readonly #lookUp: StatementSync;
  readonly #extent: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#lookUp = db.prepare(
      `SELECT p.id, p.number FROM log_partitions p JOIN log_topics t ON t.id = p.topic WHERE t.name = ? ORDER BY p.number`,
    );
    this.#extent = db.prepare('SELECT first, next FROM log_partitions WHERE id = ?');
  }

  /** @throws {GaplineError} `topic-mismatch` where there is no such topic. */
  partitions(topic: string): readonly Partition[] {
    const known = this.#known.get(topic) ?? this.#find(topic);
    if (known.length === 0) {
      throw new GaplineError('topic-mismatch', `The log has no topic ${topic}`, { retryable: true });
    }
    this.#known.set(topic, known);
    return known;
  }

  extent(partitionId: bigint): Extent {
    return this.#extent.get(partitionId) as unknown as Extent;
  }

  /**
   * Makes a topic, or updates its retention. Call it inside a transaction.
   * @throws {GaplineError} `topic-mismatch` where it exists with fewer partitions.
   */
  ensure({ name, partitions, retentionMs, retentionBytes, compacted = false }: TopicSpec): void {
    const existing = this.#find(name).length;
    if (existing > 0 && existing < partitions) {
      const detail = `Topic ${name} has ${existing} partitions where ${partitions} are wanted`;
      throw new GaplineError('topic-mismatch', detail, { retryable: false });
    }
    const { id } = this.#db
      .prepare(
        `INSERT INTO log_topics (name, partitions, retention_ms, retention_bytes, compacted) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET retention_ms = excluded.retention_ms, retention_bytes = excluded.retention_bytes,
           compacted = excluded.compacted
         RETURNING id`,
      )
      .get(
        name,
        partitions,
        Math.round(retentionMs),
        retentionBytes ? Math.round(retentionBytes) : null,
        compacted ? 1 : 0,
      ) as { id: bigint };
    if (existing > 0) return;
    const insert = this.#db.prepare('INSERT INTO log_partitions (topic, number) VALUES (?, ?)');
    for (let number = 0; number < partitions; number++) insert.run(id, number);
  }

  #find(topic: string): readonly Partition[] {
    return this.#lookUp.all(topic).map(({ id, number }) => ({ id: id as bigint, topic, number: Number(number) }));
  }
}
