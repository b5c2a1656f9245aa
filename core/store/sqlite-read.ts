import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from '../files/transaction.ts';
import { describeError } from '../wire/errors.ts';
import { earliestTime, latestTime } from './fault.ts';
import type { Names } from './names.ts';
import { merged, type PackedPoint } from './packed/block.ts';
import { type Blocks, DamagedBlock, type StoredBlock } from './packed/blocks.ts';
import type { ReadOptions, StoredPoint } from './port.ts';
import { openRow } from './row.ts';

/** Points a page: at first, and at most. */
const firstPoints = 64;
const mostPoints = 1_000;
/** Bytes of a page, about: a point of samples may hold a megabyte. */
export const pageBytes = 4 << 20;
const devicesPerPage = 1_000;

/** A point, and about how much memory it takes. */
export interface SizedPoint extends StoredPoint {
  readonly bytes: number;
}

/** Streams the points of a measurement by device and then by time. */
export type PointReader = (options: ReadOptions) => Iterable<SizedPoint>;

/** Told of what a read stepped over: what is damaged, and which points are lost with it. */
export type OnDamaged = (what: string) => void;

/**
 * Makes a function that reads points page by page, so that no read transaction stays open while the caller works. What is damaged is
 * told and stepped over: all other points of the archive can still be had.
 */
export function createReader(database: DatabaseSync, names: Names, blocks: Blocks, onDamaged: OnDamaged): PointReader {
  const rows = database.prepare(
    'SELECT time, numbers, strings FROM store_rows WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?',
  );
  rows.setReadBigInts(true);
  const page = createPages(database, rows, blocks, createTeller(onDamaged));
  return function* points({ measurement, range, device: only }) {
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
          if (each) yield { device, time: point.time, each, bytes: sizeOf(point) };
          else damaged += 1;
        }
        from = next;
      }
      if (damaged > 0) onDamaged(`${damaged} points of ${measurement} of ${device} are damaged`);
    }
  };
}

/** What hands out the fields of a point; undefined where its bytes are none. */
function opened(point: PackedPoint, fieldOf: Parameters<typeof openRow>[1]) {
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

/** Some points of a series, and the time from which on there may be more. */
interface Page {
  readonly found: readonly PackedPoint[];
  readonly next: bigint | undefined;
  /** How many points the next page should have. */
  readonly fits: number;
}

/** Makes a function that reads the points of a series from a time on: up to the end of a block, or rows alone. */
function createPages(
  database: DatabaseSync,
  statement: StatementSync,
  blocks: Blocks,
  tell: ReturnType<typeof createTeller>,
) {
  function pointsOf(block: StoredBlock): readonly PackedPoint[] {
    try {
      return blocks.points(block);
    } catch (error) {
      if (!(error instanceof DamagedBlock)) throw error;
      tell(block, error);
      return [];
    }
  }

  function page(series: number, from: bigint, to: bigint, limit: number): Page {
    const [block] = blocks.from(series, from, 1);
    const isPacked = block !== undefined && block.first < to;
    const end = isPacked && block.last < to ? block.last + 1n : to;
    const rows = statement.all(series, from, end, limit) as unknown as PackedPoint[];
    const last = rows.at(-1);
    const fits = rows.length === limit ? fitting(rows) : limit;
    // Where a page ends before the block does, only the part of the block up to there belongs to it.
    const next = last && rows.length === limit ? last.time + 1n : end;
    if (!isPacked) return { found: rows, next: next === to ? undefined : next, fits };
    const packed = pointsOf(block).filter(({ time }) => time >= from && time < next);
    return { found: merged(packed, rows), next, fits };
  }

  return (series: number, from: bigint, to: bigint, limit: number): Page => {
    const read = () => page(series, from, to, limit);
    // Between two statements another connection may pack what is read.
    return database.isTransaction ? read() : inTransaction(database, read, 'BEGIN');
  };
}

const sizeOf = ({ numbers, strings }: PackedPoint): number => numbers.byteLength + (strings?.length ?? 0);

/** How many points like these make a page. */
function fitting(rows: readonly PackedPoint[]): number {
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
