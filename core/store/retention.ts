import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { inTransaction } from '../files/transaction.ts';
import { sleep } from '../retry/sleep.ts';
import { describeError } from '../wire/errors.ts';
import { sqliteCode, sqliteCodes } from '../wire/sqlite-code.ts';

/** Points a transaction: some milliseconds, so that a page and a collector in the same process still respond. */
const pointsPerChunk = 500;
const blocksPerChunk = 50;
/** The pause between two chunks, and after an attempt that found another writer. */
const pauseMs = 20;
/** The age of points is known to within this. */
const longestMarkMs = 3_600_000;

/**
 * Points are stored in the order in which they were first written, so their age needs no column: a mark records that the rows up to one
 * existed at a time (milliseconds since the epoch). Marks grow with their rows; a mark is deleted with the last of the rows before it.
 */
export const marksSchema = `
  CREATE TABLE IF NOT EXISTS store_marks (last_row INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`;

export interface RetentionOptions {
  readonly file: string;
  readonly logger: Logger;
  readonly retentionMs: number;
  /** How often to run. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/**
 * Periodically deletes what was written longer ago than the bound, until the signal aborts: in small transactions, each of which gives
 * way at once to another writer. Resolves once it has stopped; it never rejects.
 */
export async function keepRetention(options: RetentionOptions): Promise<void> {
  const { file, logger } = options;
  const complain = (error: unknown) =>
    logger.warn({ file }, `Nothing could be deleted from the store: ${describeError(error)}`);
  await sweep(options, complain).catch(complain);
}

async function sweep(options: RetentionOptions, complain: (error: unknown) => void): Promise<void> {
  const { file, retentionMs, everyMs, signal } = options;
  const pause = (ms: number) => sleep(ms, { signal, ref: false });
  // A connection of its own that never waits: the store's would block the whole process for as long as a write may wait.
  const database = new DatabaseSync(file, { timeout: 0 });
  database.exec('PRAGMA synchronous = FULL');
  const { mark, deleteSome } = createBroom(database, retentionMs);
  while (!signal.aborted) {
    try {
      inTransaction(database, mark);
      while (!signal.aborted && inTransaction(database, deleteSome)) await pause(pauseMs);
      await pause(everyMs);
    } catch (error) {
      const others = sqliteCode(error) === sqliteCodes.busy;
      if (!others) complain(error);
      await pause(others ? pauseMs : everyMs);
    }
  }
  database.close();
}

function createBroom(database: DatabaseSync, retentionMs: number) {
  const newest = database.prepare('SELECT last_row AS row, at FROM store_marks ORDER BY last_row DESC LIMIT 1');
  const lastRow = database.prepare('SELECT max(rowid) AS row FROM store_rows');
  const addMark = database.prepare('INSERT INTO store_marks (last_row, at) VALUES (?, ?)');
  const overdue = database.prepare('SELECT max(last_row) AS row FROM store_marks WHERE at < ?');
  const drop = database.prepare(
    'DELETE FROM store_rows WHERE rowid IN (SELECT rowid FROM store_rows WHERE rowid <= ? ORDER BY rowid LIMIT ?)',
  );
  // A block that is written gets the highest number, so the oldest ones have the lowest.
  const dropBlocks = database.prepare(
    `DELETE FROM store_blocks WHERE written_ms < ?
     AND id IN (SELECT id FROM store_blocks ORDER BY id LIMIT ${blocksPerChunk})`,
  );
  const dropMarks = database.prepare('DELETE FROM store_marks WHERE last_row <= ?');
  const markEveryMs = Math.min(longestMarkMs, retentionMs / 10);

  return {
    /** Adds a mark for the newest row, unless the last mark is young or nothing was written since. */
    mark(): void {
      const last = (newest.get() ?? { row: 0, at: 0 }) as { row: number; at: number };
      const { row } = lastRow.get() as { row: number | null };
      // A clock that was set back makes points older, never younger: they stay longer.
      const at = Math.max(Date.now(), last.at);
      if (row !== null && row > last.row && at - last.at >= markEveryMs) addMark.run(row, at);
    },

    /** Whether there may be more to delete. */
    deleteSome(): boolean {
      const before = Math.floor(Date.now() - retentionMs);
      const { row } = overdue.get(before) as { row: number | null };
      const blocks = dropBlocks.run(before).changes;
      if (row === null) return blocks === blocksPerChunk;
      if (drop.run(row, pointsPerChunk).changes === pointsPerChunk) return true;
      dropMarks.run(row);
      return blocks === blocksPerChunk;
    },
  };
}
