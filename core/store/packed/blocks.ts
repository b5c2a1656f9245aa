import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { describeError } from '../../wire/errors.ts';
import { type PackedPoint, unpackPoints } from './block.ts';

/** Blocks that are remembered unpacked. */
const maxOpened = 32;

/**
 * Blocks of one series do not overlap in time. Where a row has the time of a point in a block, it is a later state of that point. `id` is
 * never used again; `opened_ms` is when the first points of a block were packed, `written_ms` when the last ones were.
 */
export const blocksSchema = `
  CREATE TABLE IF NOT EXISTS store_blocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    count INTEGER NOT NULL, opened_ms INTEGER NOT NULL, written_ms INTEGER NOT NULL, data BLOB NOT NULL,
    UNIQUE (series, last)
  ) STRICT;
`;

/** A block, without its points. */
export interface StoredBlock {
  readonly id: bigint;
  /** The times of its first and last point. */
  readonly first: bigint;
  readonly last: bigint;
  readonly count: bigint;
  readonly openedMs: bigint;
}

/** A block whose bytes are no points. */
export class DamagedBlock extends Error {}

/** Points of one series that were packed together, by series and time. Writes belong inside a transaction. */
export class Blocks {
  readonly #from: StatementSync;
  readonly #before: StatementSync;
  readonly #newest: StatementSync;
  readonly #data: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #lastId: StatementSync;
  /** Unpacked blocks by id, the latest at the end. */
  readonly #opened = new Map<bigint, PackedPoint[]>();

  constructor(database: DatabaseSync) {
    const columns = 'id, first, last, count, opened_ms AS openedMs';
    const prepare = (sql: string) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    this.#from = prepare(`SELECT ${columns} FROM store_blocks WHERE series = ? AND last >= ? ORDER BY last LIMIT ?`);
    this.#before = prepare(
      `SELECT ${columns} FROM store_blocks WHERE series = ? AND last < ? ORDER BY last DESC LIMIT 1`,
    );
    this.#newest = prepare('SELECT max(last) AS last FROM store_blocks WHERE series = ?');
    this.#data = prepare('SELECT data FROM store_blocks WHERE id = ?');
    this.#insert = prepare(
      'INSERT INTO store_blocks (series, first, last, count, opened_ms, written_ms, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#delete = prepare('DELETE FROM store_blocks WHERE id = ?');
    this.#lastId = prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'store_blocks'`);
  }

  /** The blocks of a series that hold a time or lie behind it, the earliest first. */
  from(series: number, time: bigint, limit: number): StoredBlock[] {
    return this.#from.all(series, time, limit) as unknown as StoredBlock[];
  }

  /** The last block of a series that lies before a time. */
  before(series: number, time: bigint): StoredBlock | undefined {
    return this.#before.get(series, time) as unknown as StoredBlock | undefined;
  }

  /** The last time of a series that is packed. */
  newest(series: number): bigint | undefined {
    return (this.#newest.get(series)?.last ?? undefined) as bigint | undefined;
  }

  /** Changes with every block that is made. */
  lastId(): bigint {
    return (this.#lastId.get()?.seq ?? 0n) as bigint;
  }

  /**
   * The points of a block, in order of their times.
   * @throws {DamagedBlock}
   */
  points({ id, first }: StoredBlock): readonly PackedPoint[] {
    let points = this.#opened.get(id);
    this.#opened.delete(id);
    if (!points) {
      try {
        points = unpackPoints(this.#data.get(id)?.data as Uint8Array, first);
      } catch (cause) {
        throw new DamagedBlock(`its block ${id} is damaged: ${describeError(cause)}`, { cause });
      }
      const [oldest] = this.#opened.keys();
      if (oldest !== undefined && this.#opened.size >= maxOpened) this.#opened.delete(oldest);
    }
    this.#opened.set(id, points);
    return points;
  }

  /** The point of a series at a time, if it is packed. */
  pointAt(series: number, time: bigint): PackedPoint | undefined {
    const [block] = this.from(series, time, 1);
    if (!block || block.first > time) return undefined;
    const points = this.points(block);
    let low = 0;
    for (let high = points.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((points[middle]?.time ?? time) < time) low = middle + 1;
      else high = middle;
    }
    return points[low]?.time === time ? points[low] : undefined;
  }

  insert(series: number, points: readonly PackedPoint[], data: Uint8Array, openedMs: bigint): void {
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return;
    this.#insert.run(series, first.time, last.time, points.length, openedMs, Date.now(), data);
  }

  /** False where it is gone already. */
  delete({ id }: StoredBlock): boolean {
    return Number(this.#delete.run(id).changes) === 1;
  }
}
