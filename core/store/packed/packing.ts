import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { inTransaction } from '../../files/transaction.ts';
import { atOnce, createPace, type Pace } from '../../retry/pace.ts';
import { sleep } from '../../retry/sleep.ts';
import { describeError } from '../../wire/errors.ts';
import { sqliteCode, sqliteCodes } from '../../wire/sqlite-code.ts';
import { merged, type PackedPoint, packPoints } from './block.ts';
import { Blocks, DamagedBlock, type StoredBlock } from './blocks.ts';

/** The most blocks that are packed anew at once. */
const maxReplaced = 4;
/** Series that one slice looks through. */
const seriesPerPage = 200;
/** A block takes points for so long: retention deletes it as a whole, so what it holds must be about as old. */
const openMs = 86_400_000;
const busyMs = 20;

export interface PackingOptions {
  /** Default 256. */
  readonly pointsPerBlock?: number;
  /** Rows of a series before they are packed, or added to its last block. Default 32. */
  readonly atOnce?: number;
  /** How often to look for points to pack. Default 5 s. */
  readonly everyMs?: number;
  /** Whether it leaves most of the time to the rest of the process. Default true. */
  readonly paced?: boolean;
}

type OnDamaged = (block: StoredBlock, error: DamagedBlock) => void;

/** What is to be packed of a series: rows, and the blocks that they belong into. */
interface Task {
  readonly series: number;
  readonly rows: readonly PackedPoint[];
  readonly replaced: readonly StoredBlock[];
  /** Those of the rows and of the blocks together. */
  readonly points: readonly PackedPoint[];
}

interface NewBlock {
  readonly points: readonly PackedPoint[];
  readonly data: Uint8Array;
}

/** Replaces rows by blocks of one series each. */
class Packing {
  readonly #database: DatabaseSync;
  readonly #blocks: Blocks;
  readonly #pointsPerBlock: number;
  readonly #atOnce: number;
  readonly #series: StatementSync;
  readonly #youngest: StatementSync;
  readonly #newest: StatementSync;
  readonly #rows: StatementSync;
  readonly #delete: StatementSync;
  readonly #onDamaged: OnDamaged;
  /** Blocks that stay as they are, by id. */
  readonly #damaged = new Set<bigint>();

  constructor(database: DatabaseSync, { pointsPerBlock = 256, atOnce = 32 }: PackingOptions, onDamaged: OnDamaged) {
    this.#database = database;
    this.#onDamaged = onDamaged;
    this.#blocks = new Blocks(database);
    this.#pointsPerBlock = pointsPerBlock;
    this.#atOnce = atOnce;
    this.#series = database.prepare(
      `SELECT series, count(*) AS count FROM store_rows WHERE series > ? AND rowid > ? AND rowid < ?
       GROUP BY series ORDER BY series LIMIT ${seriesPerPage}`,
    );
    this.#youngest = database.prepare('SELECT coalesce(max(last_row), 0) AS row FROM store_marks WHERE at < ?');
    this.#newest = database.prepare('SELECT coalesce(max(rowid), 0) AS row FROM store_rows');
    this.#rows = database.prepare(
      `SELECT time, numbers, strings FROM store_rows WHERE series = ? AND time >= ? AND rowid > ? AND rowid < ?
       ORDER BY time LIMIT ?`,
    );
    this.#rows.setReadBigInts(true);
    this.#delete = database.prepare('DELETE FROM store_rows WHERE series = ? AND time = ?');
  }

  /** Resolves once no series has enough rows, or the signal aborts. */
  async run(pace: Pace, signal: AbortSignal): Promise<void> {
    for (let last = -1; !signal.aborted; ) {
      const began = performance.now();
      const page = this.#series.all(last, ...this.#range()) as unknown as { series: number; count: number }[];
      await pace(performance.now() - began);
      for (const { series, count } of page) {
        for (let left = count; left >= this.#atOnce && !signal.aborted; ) {
          const packed = await this.#packSome(series, pace);
          if (packed === 0) break;
          left -= packed;
        }
      }
      const end = page.at(-1);
      if (!end || page.length < seriesPerPage) return;
      last = end.series;
    }
  }

  /**
   * Rows between these may be packed. Older ones stay for the retention, which knows their age; the newest one stays so that the numbers
   * of rows keep growing: retention takes a number that comes again for an old one.
   */
  #range(): [after: number, before: number] {
    const { row: after } = this.#youngest.get(Date.now() - openMs) as { row: number };
    const { row: before } = this.#newest.get() as { row: number };
    return [after, before];
  }

  /** Packs rows of a series into a block or a few; resolves with how many rows. */
  async #packSome(series: number, pace: Pace): Promise<number> {
    const began = performance.now();
    const task = inTransaction(this.#database, () => this.#nextTask(series), 'BEGIN');
    const { points } = task;
    const blocks: NewBlock[] = [];
    for (let at = 0; at < points.length; at += this.#pointsPerBlock) {
      const some = points.slice(at, at + this.#pointsPerBlock);
      blocks.push({ points: some, data: await packPoints(some) });
    }
    const packed = inTransaction(this.#database, () => this.#replace(task, blocks));
    await pace(performance.now() - began);
    return packed ? task.rows.length : 0;
  }

  /**
   * The earliest rows of a series, with the blocks that they lie in or that have place for them. What lies in a damaged block stays as it
   * is, rows and all.
   * @param from - no rows before this time
   */
  #nextTask(series: number, from = -(2n ** 63n)): Task {
    const [after, before] = this.#range();
    const rows = this.#rows.all(series, from, after, before, this.#pointsPerBlock) as unknown as PackedPoint[];
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return { series, rows: [], replaced: [], points: [] };
    const behind = this.#blocks.from(series, first.time, maxReplaced);
    const damaged = behind.find((block) => block.first <= last.time && this.#isDamaged(block));
    if (damaged && damaged.first <= first.time) return this.#nextTask(series, damaged.last + 1n);
    // Rows that lie in or behind the last of these blocks, or a damaged one, wait for the next time.
    const end = damaged?.first ?? behind[maxReplaced - 1]?.first;
    const taken = end === undefined ? rows : rows.filter(({ time }) => time < end);
    const until = taken.at(-1)?.time ?? first.time;
    const replaced = behind.filter((block) => block.first <= until);
    const open = this.#blocks.before(series, first.time);
    if (open && this.#isOpen(open) && !this.#isDamaged(open)) replaced.unshift(open);
    const packed = replaced.flatMap((block) => this.#blocks.points(block));
    return { series, rows: taken, replaced, points: merged(packed, taken) };
  }

  #isDamaged(block: StoredBlock): boolean {
    if (this.#damaged.has(block.id)) return true;
    try {
      this.#blocks.points(block);
      return false;
    } catch (error) {
      if (!(error instanceof DamagedBlock)) throw error;
      this.#damaged.add(block.id);
      this.#onDamaged(block, error);
      return true;
    }
  }

  #isOpen({ count, openedMs }: StoredBlock): boolean {
    return count < this.#pointsPerBlock && Number(openedMs) > Date.now() - openMs;
  }

  /** Within a write transaction. False, and nothing is changed, where another process or a correction came between. */
  #replace({ series, rows, replaced }: Task, blocks: readonly NewBlock[]): boolean {
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return false;
    const now = this.#rows.all(series, first.time, ...this.#range(), rows.length) as unknown as PackedPoint[];
    if (now.length !== rows.length || !now.every((row, at) => isSame(row, rows[at]))) return false;
    const still = new Set(replaced.flatMap(({ last: end }) => this.#blocks.from(series, end, 1)).map(({ id }) => id));
    if (!replaced.every(({ id }) => still.has(id))) return false;
    // A block between the rows that was not there before would overlap with the new ones.
    const between = this.#blocks.from(series, first.time, maxReplaced).filter((block) => block.first <= last.time);
    if (between.some(({ id }) => !still.has(id))) return false;
    for (const block of replaced) this.#blocks.delete(block);
    for (const { time } of rows) this.#delete.run(series, time);
    const opened = replaced.map(({ openedMs }) => openedMs);
    for (const { points, data } of blocks) this.#blocks.insert(series, points, data, opened[0] ?? BigInt(Date.now()));
    return true;
  }
}

const iso = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString();

function isSame(row: PackedPoint, other: PackedPoint | undefined): boolean {
  return (
    other !== undefined &&
    row.time === other.time &&
    row.strings === other.strings &&
    Buffer.compare(row.numbers, other.numbers) === 0
  );
}

export interface KeepPackingOptions extends PackingOptions {
  readonly file: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Packs points in the background until the signal aborts, at a pace that leaves the time to the rest of the process. It gives way at
 * once to another writer. Resolves once it has stopped; it never rejects.
 */
export async function keepPacking(options: KeepPackingOptions): Promise<void> {
  const { file, logger, signal, everyMs = 5_000, paced = true } = options;
  let failed = false;
  const complain = (error: unknown) => {
    // Nothing is lost: the points stay as they are. Once is enough to say it.
    if (!failed) logger.warn({ file }, `The points of the store cannot be packed: ${describeError(error)}`);
    failed = true;
  };
  // A connection of its own that never waits, as the retention has. A block that a loss of power undoes leaves its rows: no need to flush.
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('PRAGMA synchronous = NORMAL');
    const packing = new Packing(database, options, ({ count, first, last }, error) => {
      const where = `${count} points from ${iso(first)} to ${iso(last)} cannot be read`;
      logger.warn({ file }, `The store packs past what is damaged: ${error.message}: ${where}; take them from a copy`);
    });
    const pace = paced ? createPace(signal) : atOnce;
    while (!signal.aborted) {
      const others = await packing.run(pace, signal).then(
        () => {
          failed = false;
          return false;
        },
        (error) => sqliteCode(error) === sqliteCodes.busy || complain(error),
      );
      await sleep(others ? busyMs : everyMs, { signal, ref: false });
    }
  } catch (error) {
    complain(error);
  } finally {
    database?.close();
  }
}
