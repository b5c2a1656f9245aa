import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { explainFileError } from '../files/fault.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { earliestTime, latestTime, pointFault } from './fault.ts';
import { createNames, type Names, namesSchema } from './names.ts';
import type { ReadOptions, RejectedPoint, SeriesStore } from './port.ts';
import { keepRetention, marksSchema } from './retention.ts';
import { createPacker, unpack } from './row.ts';

export interface SqliteStoreOptions {
  /** Made when missing, with its folder. It may be the file of the log: tables of the store begin with `store_`. */
  readonly file: string;
  readonly logger: Logger;
  /** How long a write waits for another process that is writing. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** How long points are kept after they were first written, in days. Default 30: docs/decisions/0025-store-retention.md. */
  readonly retentionDays?: number;
  /** How often older points are deleted. Default 60000. */
  readonly retentionCheckMs?: number;
}

/** Points a transaction: enough that the fsync costs little, few enough that nobody waits for long. */
const pointsPerTransaction = 1_000;
/** Points a batch when reading. */
const pointsPerBatch = 1_000;
const devicesPerPage = 1_000;

/**
 * The embedded store. One row a point, its fields packed into a blob; the reason is in docs/decisions/0020-store-layout.md.
 * Every point that `write` resolved for survives a loss of power (`synchronous = FULL`).
 */
export function createSqliteStore(options: SqliteStoreOptions): SeriesStore {
  const { file, logger, busyTimeoutMs = 5_000, retentionDays = 30, retentionCheckMs = 60_000 } = options;
  let open: Open | undefined;
  let retention: { readonly stopped: Promise<void>; readonly stopping: AbortController } | undefined;
  const underWay = new Set<Promise<unknown>>();

  function opened(): Open {
    if (open === undefined) throw new GaplineError('store-unavailable', `The store ${file} is not open.`);
    return open;
  }

  async function write(points: readonly Point[]): Promise<readonly RejectedPoint[]> {
    const rejected: RejectedPoint[] = [];
    for (let from = 0; from < points.length; from += pointsPerTransaction) {
      if (from > 0) await nextTurn();
      rejected.push(...opened().writeAll(points, from, Math.min(points.length, from + pointsPerTransaction)));
    }
    return rejected;
  }

  return {
    async start() {
      try {
        await mkdir(dirname(resolve(file)), { recursive: true });
        open = openFile(file, busyTimeoutMs);
      } catch (error) {
        throw storeError(`The store ${file} cannot be opened`, error);
      }
      const stopping = new AbortController();
      const { signal } = stopping;
      const retentionMs = retentionDays * 86_400_000;
      const stopped = keepRetention({ file, logger, retentionMs, everyMs: retentionCheckMs, signal });
      retention = { stopped, stopping };
      logger.debug({ file }, 'store open');
    },

    async stop() {
      retention?.stopping.abort();
      await Promise.allSettled([...underWay, retention?.stopped]);
      open?.close();
      open = undefined;
    },

    write(points) {
      const written = write(points).finally(() => underWay.delete(written));
      underWay.add(written);
      return written;
    },

    async *read(options) {
      const points = opened().points(options)[Symbol.iterator]();
      while (true) {
        const batch = take(points, pointsPerBatch, file);
        if (batch.length > 0) yield batch;
        if (batch.length < pointsPerBatch) return;
        // A long read must not block the event loop.
        await nextTurn();
      }
    },
  };
}

/** An error of SQLite as one of the store. */
function storeError(what: string, cause: unknown, options: { retryable?: boolean } = {}): GaplineError {
  const code = explainFileError(cause, what)?.code ?? 'store-unavailable';
  return new GaplineError(code, `${what}: ${describeError(cause)}`, { cause, ...options });
}

function take(points: Iterator<Point>, count: number, file: string): Point[] {
  const batch: Point[] = [];
  try {
    while (batch.length < count) {
      const next = points.next();
      if (next.done) break;
      batch.push(next.value);
    }
  } catch (error) {
    throw storeError(`The store ${file} cannot be read`, error);
  }
  return batch;
}

interface Open {
  /** Writes the points from one index up to another in one transaction. */
  writeAll(points: readonly Point[], from: number, to: number): RejectedPoint[];
  points(options: ReadOptions): Iterable<Point>;
  close(): void;
}

const schema = `
  ${namesSchema}
  ${marksSchema}
  CREATE TABLE IF NOT EXISTS store_points (
    series INTEGER NOT NULL, time INTEGER NOT NULL, numbers BLOB NOT NULL, strings TEXT, UNIQUE (series, time)
  ) STRICT;
`;

function openFile(file: string, busyTimeoutMs: number): Open {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  const names = createNames(database);
  const pointsOf = createReader(database, names);
  const put = createWriter(database, names);

  return {
    points: pointsOf,
    close: () => database.close(),
    writeAll(points, from, to) {
      const rejected: RejectedPoint[] = [];
      try {
        database.exec('BEGIN IMMEDIATE');
        for (let index = from; index < to; index += 1) {
          const point = points[index];
          if (!point) break;
          const reason = put(point);
          if (reason !== undefined) rejected.push({ index, reason });
        }
        database.exec('COMMIT');
      } catch (error) {
        names.forget();
        if (database.isTransaction) database.exec('ROLLBACK');
        // Busy, full or damaged: no point is at fault, so none may be rejected.
        throw storeError(`The store ${file} cannot be written`, error, { retryable: true });
      }
      return rejected;
    },
  };
}

/** Makes a function that merges one point into the file, or returns the reason for refusing it. */
function createWriter(database: DatabaseSync, names: Names): (point: Point) => string | undefined {
  const insert = database.prepare(
    'INSERT INTO store_points (series, time, numbers, strings) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const find = database.prepare('SELECT numbers, strings FROM store_points WHERE series = ? AND time = ?');
  const update = database.prepare('UPDATE store_points SET numbers = ?, strings = ? WHERE series = ? AND time = ?');
  const pack = createPacker();

  return (point) => {
    const { measurement, device, fields: values } = point;
    const fault = pointFault(point);
    if (fault !== undefined) return fault;
    const fields = names.fields(measurement, values);
    if (typeof fields === 'string') return fields;
    const series = names.series(measurement, device);
    const time = BigInt(point.time);
    const row = pack(fields, values);
    if (insert.run(series, time, row.numbers, row.strings).changes === 1) return undefined;

    const old = find.get(series, time) as unknown as { numbers: Uint8Array; strings: string | null };
    // A replay writes the same values again.
    if (old.strings === row.strings && Buffer.compare(old.numbers, row.numbers) === 0) return undefined;
    const merged = Object.fromEntries([
      ...Object.entries(unpack(old, (id) => names.fieldById(measurement, id))),
      ...Object.entries(values),
    ]);
    const known = names.fields(measurement, merged);
    if (typeof known === 'string') throw new Error(`${measurement} of ${device} at ${point.time} is damaged: ${known}`);
    const next = pack(known, merged);
    update.run(next.numbers, next.strings, series, time);
    return undefined;
  };
}

/** Makes a function that reads points page by page, so that no read transaction stays open while the caller works. */
function createReader(database: DatabaseSync, names: Names): Open['points'] {
  const page = database.prepare(
    'SELECT time, numbers, strings FROM store_points WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?',
  );
  page.setReadBigInts(true);
  return function* points({ measurement, range, device }) {
    const from = clamp(BigInt(range.from));
    const to = clamp(BigInt(range.to));
    for (const series of seriesOf(names, measurement, device)) {
      yield* pointsOfSeries(page, names, { measurement, from, to, ...series });
    }
  };
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

interface Slice {
  readonly measurement: string;
  readonly device: string;
  readonly id: number;
  readonly from: bigint;
  readonly to: bigint;
}

function* pointsOfSeries(page: StatementSync, names: Names, slice: Slice): Iterable<Point> {
  const { measurement, device, id, to } = slice;
  let { from } = slice;
  while (from < to) {
    const rows = page.all(id, from, to, pointsPerBatch) as unknown as {
      time: bigint;
      numbers: Uint8Array;
      strings: string | null;
    }[];
    for (const row of rows) {
      const fields = unpack(row, (field) => names.fieldById(measurement, field));
      yield { measurement, device, time: String(row.time), fields };
    }
    const last = rows.at(-1);
    if (!last || rows.length < pointsPerBatch) return;
    from = last.time + 1n;
  }
}

function clamp(time: bigint): bigint {
  if (time < earliestTime) return earliestTime;
  return time > latestTime ? latestTime + 1n : time;
}
