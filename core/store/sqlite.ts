import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { explainFileError } from '../files/fault.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { createNames } from './names.ts';
import { Blocks } from './packed/blocks.ts';
import { keepPacking, type PackingOptions } from './packed/packing.ts';
import type { ReadOptions, RejectedPoint, SeriesStore } from './port.ts';
import { keepRetention } from './retention.ts';
import { createReader, type PointReader, pageBytes, release, type SizedPoint, type TextForm } from './sqlite-read.ts';
import { prepareSchema } from './sqlite-schema.ts';
import { createWriter } from './sqlite-write.ts';
import { fieldsOf } from './stored-point.ts';

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
  /** How points are packed in the background: docs/decisions/0026-blocks-of-points.md. False leaves them as they are. */
  readonly packing?: PackingOptions | false;
}

/** Points a transaction: enough that the fsync costs little, few enough that nobody waits for long. */
const pointsPerTransaction = 1_000;
/** Points a batch when reading. */
const pointsPerBatch = 1_000;

/**
 * The embedded store. One row a point, its fields in a blob (docs/decisions/0020-store-layout.md); older points of a device are packed.
 * Every point that `write` resolved for survives a loss of power (`synchronous = FULL`).
 */
export function createSqliteStore(options: SqliteStoreOptions): SeriesStore {
  const { file, logger, busyTimeoutMs = 5_000, retentionDays = 30, retentionCheckMs = 60_000, packing = {} } = options;
  let open: Open | undefined;
  let background: { readonly stopped: Promise<unknown>; readonly stopping: AbortController } | undefined;
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
        open = openFile(file, busyTimeoutMs, logger);
      } catch (error) {
        throw storeError(`The store ${file} cannot be opened`, error);
      }
      const stopping = new AbortController();
      const { signal } = stopping;
      const retentionMs = retentionDays * 86_400_000;
      const stopped = Promise.all([
        keepRetention({ file, logger, retentionMs, everyMs: retentionCheckMs, signal }),
        packing && keepPacking({ ...packing, file, logger, signal }),
      ]);
      background = { stopped, stopping };
      logger.debug({ file }, 'store open');
    },

    async stop() {
      background?.stopping.abort();
      await Promise.allSettled([...underWay, background?.stopped]);
      open?.close();
      open = undefined;
    },

    write(points) {
      const written = write(points).finally(() => underWay.delete(written));
      underWay.add(written);
      return written;
    },

    async *read(options) {
      const { measurement } = options;
      for await (const points of visitAs('strings', options))
        yield points.map((point) => ({
          ...{ measurement, device: point.device, time: String(point.time) },
          fields: fieldsOf(point),
        }));
    },

    visit: (options) => visitAs('utf8', options),
  };

  async function* visitAs(form: TextForm, options: ReadOptions) {
    const points = opened().points(options, form)[Symbol.iterator]();
    while (true) {
      const { batch, done } = take(points, pointsPerBatch, file);
      if (batch.length > 0) yield batch;
      release(batch);
      if (done) return;
      // A long read must not block the event loop.
      await nextTurn();
    }
  }
}

/** An error of SQLite as one of the store. */
function storeError(what: string, cause: unknown, options: { retryable?: boolean } = {}): GaplineError {
  const code = explainFileError(cause, what)?.code ?? 'store-unavailable';
  return new GaplineError(code, `${what}: ${describeError(cause)}`, { cause, ...options });
}

/** So many points, or as many as take the memory of a page. */
function take(points: Iterator<SizedPoint>, count: number, file: string) {
  const batch: SizedPoint[] = [];
  try {
    for (let bytes = 0; batch.length < count && bytes < pageBytes; ) {
      const next = points.next();
      if (next.done) return { batch, done: true };
      batch.push(next.value);
      bytes += next.value.bytes;
    }
  } catch (error) {
    throw storeError(`The store ${file} cannot be read`, error);
  }
  return { batch, done: false };
}

interface Open {
  /** Writes the points from one index up to another in one transaction. */
  writeAll(points: readonly Point[], from: number, to: number): RejectedPoint[];
  readonly points: PointReader;
  close(): void;
}

function openFile(file: string, busyTimeoutMs: number, logger: Logger): Open {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  prepareSchema(database, file);
  const names = createNames(database);
  const blocks = new Blocks(database);
  const pointsOf = createReader(database, names, blocks, (what) =>
    logger.warn({ file }, `The store is read past what is damaged: ${what}; take them from a copy`),
  );
  const writer = createWriter(database, names, blocks);

  return {
    points: pointsOf,
    close: () => database.close(),
    writeAll(points, from, to) {
      const rejected: RejectedPoint[] = [];
      try {
        database.exec('BEGIN IMMEDIATE');
        writer.begin();
        for (let index = from; index < to; index += 1) {
          const point = points[index];
          if (!point) break;
          const reason = writer.put(point);
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
