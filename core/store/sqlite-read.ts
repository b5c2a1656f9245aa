import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from '../files/transaction.ts';
import { describeError } from '../wire/errors.ts';
import { earliestTime, latestTime } from './fault.ts';
import type { Names } from './names.ts';
import { merged, type PackedPoint } from './packed/block.ts';
import { type Blocks, DamagedBlock, type StoredBlock } from './packed/blocks.ts';
import type { ReadOptions, StoredPoint } from './port.ts';
import { openRow, type ReadRow } from './row.ts';

/** Points a page: at first, and at most. */
const firstPoints = 64;
const mostPoints = 1_000;
/** Bytes of a page, about: a point of samples may hold a megabyte. */
export const pageBytes = 4 << 20;
const devicesPerPage = 1_000;

/** A point, and about how much memory it takes. */
export interface SizedPoint extends StoredPoint {
  readonly bytes: number;
  /** What {@link release} gives back. */
  readonly held: Uint8Array | undefined;
}

/**
 * Gives back at once the memory of points that nobody reads any more: V8 would count it, and for each 64 MB of it go through all of
 * its heap.
 */
export function release(points: readonly SizedPoint[]): void {
  for (const { held } of points) if (held?.buffer instanceof ArrayBuffer) held.buffer.transfer(0);
}

/** How long texts are read: strings for who wants strings, else their bytes. */
export type TextForm = 'strings' | 'utf8';

/** Streams the points of a measurement by device and then by time. */
export type PointReader = (options: ReadOptions, form: TextForm) => Iterable<SizedPoint>;

/** Told of what a read stepped over: what is damaged, and which points are lost with it. */
export type OnDamaged = (what: string) => void;

/**
 * Makes a function that reads points page by page, so that no read transaction stays open while the caller works. What is damaged is
 * told and stepped over: all other points of the archive can still be had.
 */
export function createReader(database: DatabaseSync, names: Names, blocks: Blocks, onDamaged: OnDamaged): PointReader {
  const pages = createPages(database, blocks, createTeller(onDamaged));
  return function* points({ measurement, range, device: only }, form) {
    const page = pages[form];
    const to = clamp(BigInt(range.to));
    const fieldOf = (field: number) => names.fieldById(measurement, field);
    for (const { id, device } of seriesOf(names, measurement, only)) {
      let damaged = 0;
      let points = firstPoints;
      for (let from: bigint | undefined = clamp(BigInt(range.from)); from !== undefined && from < to; ) {
        const { found, next, fits }: Page = page(id, from, to, points);
        points = fits;
        for (const point of found) {
          const each = opened(point, fieldOf);
          const held = point.strings instanceof Uint8Array ? point.strings : undefined;
          if (each) yield { device, time: point.time, each, bytes: sizeOf(point), held };
          else damaged += 1;
        }
        from = next;
      }
      if (damaged > 0) onDamaged(`${damaged} points of ${measurement} of ${device} are damaged`);
    }
  };
}

/** What hands out the fields of a point; undefined where its bytes are none. */
function opened(point: ReadRow, fieldOf: Parameters<typeof openRow>[1]) {
  try {
    return openRow(point, fieldOf);
  } catch {
    return undefined;
  }
}

/** Blocks that were told of; beyond so many the oldest may be told again. */
const mostTold = 1_000;

/** Makes a function that tells of each damaged block once, however often it is met. */
function createTeller(onDamaged: OnDamaged): (block: StoredBlock, error: DamagedBlock) => void {
  const told = new Set<bigint>();
  return ({ id, first, last, count }, error) => {
    if (told.has(id)) return;
    const [oldest] = told;
    if (oldest !== undefined && told.size >= mostTold) told.delete(oldest);
    told.add(id);
    onDamaged(`${describeError(error)}: ${count} points from ${iso(first)} to ${iso(last)} cannot be read`);
  };
}

const iso = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString();

/** A point as it is read. */
interface ReadPoint extends ReadRow {
  readonly time: bigint;
}

/** Some points of a series, and the time from which on there may be more. */
interface Page {
  readonly found: readonly ReadPoint[];
  readonly next: bigint | undefined;
  /** How many points the next page should have. */
  readonly fits: number;
}

/** A text of fewer bytes is a string in any form: a short array of bytes takes longer. */
const longText = 1_024;
const stringsIn: Readonly<Record<TextForm, string>> = {
  strings: 'strings',
  utf8: `iif(octet_length(strings) < ${longText}, strings, CAST(strings AS BLOB)) AS strings`,
};

/** Makes functions that read the points of a series from a time on: up to the end of a block, or rows alone. */
function createPages(database: DatabaseSync, blocks: Blocks, tell: ReturnType<typeof createTeller>) {
  const prepare = (form: TextForm) => {
    const statement = database.prepare(
      `SELECT time, numbers, ${stringsIn[form]} FROM store_rows WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?`,
    );
    statement.setReadBigInts(true);
    return statement;
  };

  function pointsOf(block: StoredBlock): readonly PackedPoint[] {
    try {
      return blocks.points(block);
    } catch (error) {
      if (!(error instanceof DamagedBlock)) throw error;
      tell(block, error);
      return [];
    }
  }

  function page(statement: StatementSync, series: number, from: bigint, to: bigint, limit: number): Page {
    const [block] = blocks.from(series, from, 1);
    const isPacked = block !== undefined && block.first < to;
    const end = isPacked && block.last < to ? block.last + 1n : to;
    const rows = statement.all(series, from, end, limit) as unknown as ReadPoint[];
    const last = rows.at(-1);
    const fits = rows.length === limit ? fitting(rows) : limit;
    // Where a page ends before the block does, only the part of the block up to there belongs to it.
    const next = last && rows.length === limit ? last.time + 1n : end;
    if (!isPacked) return { found: rows, next: next === to ? undefined : next, fits };
    const packed = pointsOf(block).filter(({ time }) => time >= from && time < next);
    return { found: merged(packed, rows), next, fits };
  }

  const pagesOf = (form: TextForm) => {
    const statement = prepare(form);
    return (series: number, from: bigint, to: bigint, limit: number): Page => {
      const read = () => page(statement, series, from, to, limit);
      // Between two statements another connection may pack what is read.
      return database.isTransaction ? read() : inTransaction(database, read, 'BEGIN');
    };
  };
  return { strings: pagesOf('strings'), utf8: pagesOf('utf8') } satisfies Record<TextForm, unknown>;
}

const sizeOf = ({ numbers, strings }: ReadRow): number => numbers.byteLength + (strings?.length ?? 0);

/** How many points like these make a page. */
function fitting(rows: readonly ReadRow[]): number {
  const bytes = rows.reduce((sum, row) => sum + sizeOf(row), 0);
  return Math.max(1, Math.min(mostPoints, 4 * rows.length, Math.floor((rows.length * pageBytes) / Math.max(1, bytes))));
}

function* seriesOf(names: Names, measurement: string, device?: string): Iterable<{ id: number; device: string }> {
  if (device !== undefined) {
    const id = names.seriesOf(measurement, device);
    if (id !== undefined) yield { id, device };
    return;
  }
  let last = '';
  while (true) {
    const found = names.seriesAfter(measurement, last, devicesPerPage);
    yield* found;
    const end = found.at(-1);
    if (!end || found.length < devicesPerPage) return;
    last = end.device;
  }
}

function clamp(time: bigint): bigint {
  if (time < earliestTime) return earliestTime;
  return time > latestTime ? latestTime + 1n : time;
}
