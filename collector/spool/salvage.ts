import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { sqliteCode } from '../../core/wire/sqlite-code.ts';
import { maxCount, pageBytes, type Tables } from './tables.ts';

export interface Salvaged {
  readonly chunks: number;
  /** Chunks that are missing between others. */
  readonly missing: number;
  /** How many records the damaged file should have held by its own count; 0 where that cannot be read. */
  readonly held: number;
}

/**
 * Copies what can be read of a damaged file into a new one: from its beginning forwards, and from its end backwards, and around parts that
 * cannot be read. If the file's mark of what was sent cannot be read, all of it counts as perhaps sent.
 */
export function copyChunks(file: string, { db, insert, mark }: Tables): Salvaged {
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
  const lowest = sorted[0];
  const missing = lowest === undefined ? 0 : highest - lowest + 1 - sorted.length;
  return { chunks: ids.size, missing, held: held > maxCount ? 0 : Number(held) };
}

type Row = Record<string, SQLOutputValue>;

/** After so many chunks in a row that cannot be read, the search for the next one ends. */
const maxTries = 1_000n;

/**
 * Reads chunk after chunk upwards or downwards. If one cannot be read, it looks for the next one by its number, because the numbers are
 * consecutive. If not even the first can be read, it begins at `start`.
 * @param step 1n reads upwards, -1n downwards
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
        // A damaged tree may have a cycle.
        if (typeof row.id !== 'bigint' || (row.id - last) * step <= 0n) return false;
        take(row.id, row);
      }
      return false;
    };
    const skipDamaged = (): boolean => {
      for (let tries = 1n; tries <= maxTries; tries += 1n) {
        const row = unlessDamaged(() => one.get(known + tries * step));
        if (row === undefined) continue;
        take(known + tries * step, row);
        return true;
      }
      return false;
    };
    while (unlessDamaged(readOn) === undefined && skipDamaged());
  });
}

/** What was read; undefined where the file cannot be read. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Reads until the file's end or the first part that cannot be read. */
function tryReading(file: string, read: (db: DatabaseSync) => void): void {
  try {
    const db = new DatabaseSync(file);
    try {
      read(db);
    } finally {
      db.close();
    }
  } catch {
    // Whatever was read before the error is kept.
  }
}

/** The page that describes the tables: the same in every spool, except for its counters. */
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
 * Writes an undamaged first page into a damaged file, with the number of pages that the file has and no list of free ones
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
