import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sleep } from '../../retry/sleep.ts';
import { GaplineError } from '../../wire/errors.ts';
import { isBusy } from '../../wire/sqlite-code.ts';
import { logError } from './errors.ts';

/** The layout of the tables below. A file with a higher one was made by a newer Gapline. */
const schemaVersion = 5n;

/** From which offset on a group's checkpoint still needs the records of a partition. */
const holds = `
  CREATE TABLE log_holds (
    grp TEXT NOT NULL, partition INTEGER NOT NULL REFERENCES log_partitions, next INTEGER NOT NULL,
    PRIMARY KEY (grp, partition)
  ) STRICT, WITHOUT ROWID;
`;

/** Records that are packed together: `id` is that of the last one, `first` the offset of the first (see `block.ts`). */
const blocks = `
  CREATE TABLE log_blocks (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;
`;

/** What one transaction appended: `slices` says which records of `data` are whose (see `batches.ts`). */
const batches = `
  CREATE TABLE log_appended (id INTEGER PRIMARY KEY, slices BLOB NOT NULL, data BLOB NOT NULL) STRICT;
`;

/** As they were up to the fourth layout, each compressed. */
const oldBatches = batches.replace('log_appended', 'log_batches');

/**
 * `log_rows.id` is the partition's id and the offset in one number (see {@link recordId}), so that a partition is one range of the
 * table: reading and deleting are range scans and no index is kept. `first` and `next` bound the offsets that a partition holds; `batch` is
 * the last one with records of it, so that no number of a batch is ever used twice.
 */
const schema = `
  CREATE TABLE log_schema (version INTEGER NOT NULL) STRICT;
  INSERT INTO log_schema VALUES (${schemaVersion});
  CREATE TABLE log_topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
    retention_ms INTEGER NOT NULL, retention_bytes INTEGER, compacted INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE log_partitions (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES log_topics, number INTEGER NOT NULL,
    first INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, arrived_ms INTEGER NOT NULL DEFAULT 0, batch INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
  ) STRICT;
  CREATE TABLE log_rows (id INTEGER PRIMARY KEY, arrived_ms INTEGER NOT NULL, key TEXT, value BLOB NOT NULL) STRICT;
  CREATE TABLE log_offsets (
    grp TEXT NOT NULL, partition INTEGER NOT NULL REFERENCES log_partitions, next INTEGER NOT NULL,
    PRIMARY KEY (grp, partition)
  ) STRICT, WITHOUT ROWID;
  ${holds}
  ${blocks}
  ${batches}
`;

/** By version, what makes its layout one of the next version. */
const migrations: ReadonlyMap<unknown, string> = new Map([
  [1n, `ALTER TABLE log_topics ADD COLUMN compacted INTEGER NOT NULL DEFAULT 0; ${holds}`],
  [2n, blocks],
  // Renamed, so that an older Gapline that still has the file open fails: it would step over what is in batches.
  [
    3n,
    `ALTER TABLE log_records RENAME TO log_rows;
     ALTER TABLE log_partitions ADD COLUMN batch INTEGER NOT NULL DEFAULT 0; ${oldBatches}`,
  ],
  // Renamed for the same reason: it would take for damaged what is not compressed, and merge it as that.
  [4n, 'ALTER TABLE log_batches RENAME TO log_appended'],
]);

const offsetBits = 44n;
const offsetMask = (1n << offsetBits) - 1n;

/** The row of an offset: 19 bits of partition, 44 of offset. */
export const recordId = (partitionId: bigint, offset: bigint): bigint => (partitionId << offsetBits) | offset;
export const offsetOf = (id: bigint): bigint => id & offsetMask;
/** The smaller of two offsets. */
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** How long opening waits for other processes that open the same file. */
const openingMs = 5_000;
/** How long a statement blocks the event loop for a writer in another process; a statement that must wait longer is retried in a later turn. */
const busyMs = 200;

/**
 * Opens or makes the file of a log.
 * @throws {GaplineError} `log-corrupt` for a file that is something else, `disk-full`, or `log-unavailable` for one that cannot be opened.
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  try {
    await mkdir(dirname(file), { recursive: true });
    return await retryWhileBusy(() => openOnce(file));
  } catch (error) {
    const fault = logError(file, error);
    // Before anything runs there is nothing to wait for: a person has to correct it.
    if (fault.code === 'file-unusable') throw new GaplineError(fault.code, fault.message, { retryable: false });
    throw fault;
  }
}

/** Moves what the write-ahead log holds into the file and empties it: it is as large as it ever was, up to 64 MB. */
export function closeDatabase(db: DatabaseSync): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // Another process reads or writes, or the disk is full: nothing is lost, and the last one to close tries it too.
  }
  db.close();
}

function openOnce(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: openingMs, readBigInts: true });
  try {
    // A commit writes whole pages: with larger ones, readings that come one by one are appended a tenth more slowly.
    db.exec('PRAGMA page_size = 4096; PRAGMA synchronous = EXTRA; PRAGMA journal_mode = WAL;');
    db.exec('PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;');
    prepareSchema(db, file);
    // From here on whoever commits syncs: see WriteAheadLog.
    db.exec(`PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${busyMs};`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareSchema(db: DatabaseSync, file: string): void {
  db.exec('BEGIN IMMEDIATE');
  const known = db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'log_schema'`).get();
  if (!known) db.exec(schema);
  const versionNow = () => db.prepare('SELECT version FROM log_schema').get()?.version;
  for (let migration = migrations.get(versionNow()); migration; migration = migrations.get(versionNow())) {
    db.exec(`${migration}; UPDATE log_schema SET version = version + 1`);
  }
  const version = versionNow();
  db.exec('COMMIT');
  if (version !== schemaVersion) {
    const detail = `${file} has the layout ${version} of the log, this Gapline knows ${schemaVersion}: use the newer Gapline that wrote it`;
    throw new GaplineError('log-corrupt', detail, { retryable: false });
  }
}

/** Switching a fresh file to WAL fails at once, whatever the timeout, while another process does the same. */
async function retryWhileBusy<T>(work: () => T): Promise<T> {
  const until = performance.now() + openingMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
      await sleep(20);
    }
  }
}
