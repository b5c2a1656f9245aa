import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { sqliteCode } from '../../core/wire/sqlite-code.ts';

/** What was committed together. */
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
  /** How many records the file should hold: a number of its own, by which it is known how many vanished with their rows. */
  held(): number;
  holds(records: number): void;
  /** In order, those after `after`. */
  chunks(after: number): Iterable<Chunk>;
  totals(): { records: number; bytes: number; maybeSent: number; last: number };
  /** When the oldest chunk came, in milliseconds since the epoch. */
  oldest(): number | undefined;
  pages(): number;
}

const pageBytes = 4_096;

/**
 * Opens the file, or makes it. A rollback journal is synced at each commit and keeps its place on the disk (`PERSIST`, `FULL`): with a
 * write-ahead log a damaged tail would look like an unfinished write and vanish unseen, and a journal that gave its place up could not
 * be written again on a full disk.
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

/** What a damaged row may say of its records, and a damaged count of itself: nothing that no integer could hold with the other. */
const most = 1_000_000_000_000;

/** Keeps the count of records beside the rows, in the transaction that changes them; also in a file that was made without. */
function countHeld(db: DatabaseSync): void {
  const columns = db.prepare('PRAGMA table_info(sending)').all();
  if (!columns.some(({ name }) => name === 'held')) {
    db.exec('ALTER TABLE sending ADD COLUMN held INTEGER NOT NULL DEFAULT 0');
    db.exec('UPDATE sending SET held = (SELECT coalesce(sum(records), 0) FROM chunk)');
  }
  const bounded = (number: string): string => `min(max(${number}, 0), ${most})`;
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
  // A damaged number may be larger than a double can count.
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
    // In a damaged row anything may stand.
    payload: row.payload instanceof Uint8Array ? row.payload : new Uint8Array(),
  };
}

export interface Copied {
  readonly chunks: number;
  /** Chunks that lie between others and are not there. */
  readonly missing: number;
  /** How many records the damaged file said it held; 0 where that cannot be read. */
  readonly held: number;
}

/**
 * Copies what can be read of a damaged file: from its beginning, and from its end back, over places that cannot be read. All of it counts
 * as perhaps sent where the file does not say.
 */
export function copyChunks(file: string, { db, insert, mark }: Tables): Copied {
  repairFirstPage(file, firstPageOf(db));
  const ids = new Set<bigint>();
  let sending: bigint | undefined;
  let held = 0n;
  const keep = (id: bigint, { at, records, checksum, payload }: Row): void => {
    if (ids.has(id)) return;
    if (payload instanceof Uint8Array) insert.run(id, integer(at), integer(records), integer(checksum), payload);
    ids.add(id);
  };
  tryReading(file, (damaged) => {
    const mark = damaged.prepare('SELECT last, held FROM sending');
    mark.setReadBigInts(true);
    const row = mark.get();
    sending = integer(row?.last);
    held = integer(row?.held);
  });
  for (const step of [1n, -1n]) copyFrom(file, step, sending ?? 0n, keep);
  const sorted = [...ids].map(Number).sort((left, right) => left - right);
  const highest = sorted.at(-1) ?? 0;
  mark.run(sending ?? highest);
  const missing = sorted.length === 0 ? 0 : highest - sorted[0]! + 1 - sorted.length;
  return { chunks: ids.size, missing, held: held > most ? 0 : Number(held) };
}

type Row = Record<string, SQLOutputValue>;

/** Chunks in a row that cannot be read, before the search for one behind them ends. */
const mostTries = 1_000n;

/**
 * Reads chunk after chunk upwards or downwards; where one cannot be read, looks for the next by its number, since numbers follow each other.
 * Where not even the first can be read, it begins at `start`.
 */
function copyFrom(file: string, step: bigint, start: bigint, keep: (id: bigint, row: Row) => void): void {
  const columns = 'SELECT id, at, records, checksum, payload FROM chunk';
  const [beyond, order] = step > 0n ? ['id > ?', 'ASC'] : ['id < ?', 'DESC'];
  tryReading(file, (damaged) => {
    const following = damaged.prepare(`${columns} WHERE ${beyond} ORDER BY id ${order}`);
    const one = damaged.prepare(`${columns} WHERE id = ?`);
    for (const statement of [following, one]) statement.setReadBigInts(true);
    let last = step > 0n ? -(2n ** 63n) : 2n ** 63n - 1n;
    let known = start - step;
    const take = (id: bigint, row: Row): void => {
      keep(id, row);
      last = id;
      known = id;
    };
    const readOn = (): boolean => {
      for (const row of following.iterate(last)) {
        // In a damaged tree the way may lead back.
        if (typeof row.id !== 'bigint' || (row.id - last) * step <= 0n) return false;
        take(row.id, row);
      }
      return false;
    };
    const skipDamaged = (): boolean => {
      for (let tries = 1n; tries <= mostTries; tries += 1n) {
        const row = orDamaged(() => one.get(known + tries * step));
        if (row === undefined) continue;
        take(known + tries * step, row);
        return true;
      }
      return false;
    };
    while (orDamaged(readOn) === undefined && skipDamaged());
  });
}

/** Undefined where the file cannot be read. */
function orDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Reads as far as it goes: the place that cannot be read ends it. */
function tryReading(file: string, read: (db: DatabaseSync) => void): void {
  try {
    const db = new DatabaseSync(file);
    try {
      read(db);
    } finally {
      db.close();
    }
  } catch {
    // What was read until here is what can be had.
  }
}

/** The page that says what tables there are and where: the same in every spool, but for its counters. */
function firstPageOf(db: DatabaseSync): Buffer {
  const location = db.location();
  if (location === null) throw new Error('a spool is a file');
  const page = Buffer.alloc(pageBytes);
  const handle = openSync(location, 'r');
  readSync(handle, page, 0, pageBytes, 0);
  closeSync(handle);
  return page;
}

/**
 * Puts a sound first page into a damaged file, with the number of pages that the file has and no list of free ones
 * (offsets 24 to 40 and 92 of the header: https://sqlite.org/fileformat2.html).
 */
function repairFirstPage(file: string, sound: Buffer): void {
  const handle = openSync(file, 'r+');
  sound.writeUInt32BE(Math.floor(fstatSync(handle).size / pageBytes), 28);
  sound.writeUInt32BE(sound.readUInt32BE(24), 92);
  sound.fill(0, 32, 40);
  writeSync(handle, sound, 0, pageBytes, 0);
  closeSync(handle);
}

function integer(value: SQLOutputValue | undefined): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

/** Primary result codes that speak of the surroundings, not of the file: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, AUTH. */
const surroundings = new Set([3, 5, 6, 7, 8, 10, 13, 14, 23]);

/** Whether an error says that the file is not a sound spool, or that a part of it cannot be read. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  if (code === undefined) return false;
  // SQLITE_IOERR_READ and SQLITE_IOERR_SHORT_READ: a bad sector, a file that ends too early.
  const { errcode } = error as Error & { errcode: number };
  return !surroundings.has(code) || errcode === 266 || errcode === 522;
}
