import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';

/** Records that were committed together. */
export interface Chunk {
  readonly id: number;
  readonly records: number;
  readonly checksum: number;
  readonly payload: Uint8Array;
}

/** The spool's file, opened by this process alone. */
export interface Tables {
  readonly db: DatabaseSync;
  /** Takes id, time in milliseconds, number of records, checksum, payload. */
  readonly insert: StatementSync;
  readonly mark: StatementSync;
  readonly remove: StatementSync;
  readonly drop: StatementSync;
  /** The last chunk that may have been sent already. */
  sending(): number;
  /** How many records the file should hold: counted beside the rows, so that the difference shows how many vanished with their rows. */
  held(): number;
  holds(records: number): void;
  /** Those whose number is larger than `after`, in order. */
  chunks(after: number): Iterable<Chunk>;
  totals(): { records: number; bytes: number; maybeSent: number; last: number };
  /** When the oldest chunk was received, in milliseconds since the epoch. */
  oldest(): number | undefined;
  pages(): number;
}

export const pageBytes = 4_096;

/**
 * Opens the file, or makes it. A rollback journal is synced at each commit and keeps its space on the disk (`PERSIST`, `FULL`). With a
 * write-ahead log, a damaged tail would look like an unfinished write and vanish unseen; and a journal whose space was freed could not be
 * written again on a full disk.
 */
export function openTables(file: string): Tables {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec(`PRAGMA page_size = ${pageBytes}`);
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL');
    db.exec(`
      CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, records INTEGER NOT NULL,
        checksum INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS sending (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL,
        held INTEGER NOT NULL DEFAULT 0) STRICT;
      INSERT OR IGNORE INTO sending (one, last) VALUES (1, 0);
      UPDATE sending SET one = 1`);
    countHeld(db);
    return statements(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The bound of a number that may be damaged: the sum of two stays within SQLite's integers. */
export const maxCount = 1_000_000_000_000;

/** Keeps the count of records beside the rows, in the transaction that changes them; adds it to a file of an earlier version. */
function countHeld(db: DatabaseSync): void {
  const columns = db.prepare('PRAGMA table_info(sending)').all();
  if (!columns.some(({ name }) => name === 'held')) {
    db.exec('ALTER TABLE sending ADD COLUMN held INTEGER NOT NULL DEFAULT 0');
    db.exec('UPDATE sending SET held = (SELECT coalesce(sum(records), 0) FROM chunk)');
  }
  const bounded = (number: string): string => `min(max(${number}, 0), ${maxCount})`;
  db.exec(`
    CREATE TRIGGER IF NOT EXISTS more AFTER INSERT ON chunk BEGIN
      UPDATE sending SET held = ${bounded('held')} + ${bounded('NEW.records')}; END;
    CREATE TRIGGER IF NOT EXISTS fewer AFTER DELETE ON chunk BEGIN
      UPDATE sending SET held = max(0, ${bounded('held')} - ${bounded('OLD.records')}); END`);
}

function statements(db: DatabaseSync): Tables {
  const sending = db.prepare('SELECT last FROM sending');
  const held = db.prepare('SELECT held FROM sending');
  const holds = db.prepare('UPDATE sending SET held = ?');
  const chunks = db.prepare('SELECT id, records, checksum, payload FROM chunk WHERE id > ? ORDER BY id');
  const oldest = db.prepare('SELECT at FROM chunk ORDER BY id LIMIT 1');
  const totals = db.prepare(`
    SELECT coalesce(sum(records), 0) AS records, coalesce(sum(length(payload)), 0) AS bytes,
      coalesce(sum(records) FILTER (WHERE id <= (SELECT last FROM sending)), 0) AS maybeSent,
      max(coalesce(max(id), 0), (SELECT last FROM sending)) AS last FROM chunk`);
  // A damaged number may be larger than a double can represent.
  for (const statement of [sending, held, chunks, oldest, totals]) statement.setReadBigInts(true);
  return {
    db,
    insert: db.prepare('INSERT INTO chunk (id, at, records, checksum, payload) VALUES (?, ?, ?, ?, ?)'),
    mark: db.prepare('UPDATE sending SET last = ?'),
    remove: db.prepare('DELETE FROM chunk WHERE id <= ?'),
    drop: db.prepare('DELETE FROM chunk WHERE id = ?'),
    sending: () => Number(sending.get()?.last),
    held: () => Number(held.get()?.held),
    holds: (records) => void holds.run(records),
    *chunks(after) {
      for (const row of chunks.iterate(after)) yield chunkOf(row);
    },
    totals() {
      const row = totals.get();
      return {
        records: Number(row?.records),
        bytes: Number(row?.bytes),
        maybeSent: Number(row?.maybeSent),
        last: Number(row?.last),
      };
    },
    oldest() {
      const row = oldest.get();
      return row && Number(row.at);
    },
    pages: () => Number(db.prepare('PRAGMA page_count').get()?.page_count),
  };
}

function chunkOf(row: Record<string, SQLOutputValue>): Chunk {
  return {
    id: Number(row.id),
    records: Number(row.records),
    checksum: Number(row.checksum),
    // A damaged row may contain a value of any type.
    payload: row.payload instanceof Uint8Array ? row.payload : new Uint8Array(),
  };
}
