import type { Transport } from '@influxdata/influxdb-client';
import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { earliestTime, latestTime } from './fault.ts';
import { type Address, judge } from './influxdb-answer.ts';
import { ask, InfluxqlError, identifier, nanosecondsOf, type Table } from './influxql.ts';
import { decodeName, encodeName } from './line.ts';
import type { ReadOptions, SeriesStore } from './port.ts';

export interface Connection {
  readonly address: Address;
  readonly transport: Transport;
  /** A new one for each request. */
  readonly signal: () => AbortSignal;
  readonly logger: Logger;
}

/** Points a batch, at most. */
const pointsPerBatch = 1_000;
/** The most cells of one request: wide points come in smaller pages. The first page shows how wide they are. */
const cellsPerPage = 300_000;
const firstPage = 100;
const largestPage = 5_000;

/** Reads page by page, each complete before it is returned, so that a slow reader keeps nothing open on the server. */
export function createReader(connection: Connection): SeriesStore['read'] {
  return async function* read(options) {
    const range = { from: clamp(BigInt(options.range.from)), to: clamp(BigInt(options.range.to)) };
    let batch: Point[] = [];
    for (const device of options.device === undefined ? await devicesOf(connection, options) : [options.device]) {
      for await (const points of pagesOf(connection, options.measurement, device, range)) {
        for (const point of points) {
          batch.push(point);
          if (batch.length < pointsPerBatch) continue;
          yield batch;
          batch = [];
        }
      }
    }
    if (batch.length > 0) yield batch;
  };
}

/** Queries the types of a measurement's fields over all shards. */
export function typesFrom(connection: Connection): (measurement: string) => Promise<Map<string, string>> {
  let warned = false;
  return async (measurement) => {
    const types = new Map<string, string>();
    try {
      const { values } = await query(connection, `SHOW FIELD KEYS FROM ${identifier(encodeName(measurement))}`);
      for (const [name, type] of values)
        types.set(decodeName(String(name)), type === 'float' ? 'number' : String(type));
    } catch (error) {
      if (!(error instanceof GaplineError && error.code === 'store-refused')) throw error;
      // A token that may only write still writes; the server then guards types by shard.
      if (!warned) connection.logger.warn({ error: describeError(error) }, 'the types of fields cannot be learnt');
      warned = true;
    }
    return types;
  };
}

/** The devices of a measurement, in the order of their UTF-8 bytes. */
async function devicesOf(connection: Connection, { measurement }: ReadOptions): Promise<string[]> {
  const from = identifier(encodeName(measurement));
  const { values } = await query(connection, `SHOW TAG VALUES FROM ${from} WITH KEY = "device"`);
  const devices = values.map(([, device]) => decodeName(String(device)));
  return devices.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function* pagesOf(
  connection: Connection,
  measurement: string,
  device: string,
  range: { from: bigint; to: bigint },
): AsyncIterable<readonly Point[]> {
  let { from } = range;
  let limit = firstPage;
  while (from < range.to) {
    const statement =
      `SELECT *::field FROM ${identifier(encodeName(measurement))} ` +
      `WHERE "device"::tag = $device AND time >= ${from} AND time < ${range.to} ORDER BY time LIMIT ${limit}`;
    const table = await query(connection, statement, { device: encodeName(device) });
    const points = pointsOf(table, measurement, device);
    yield points;
    const last = points.at(-1);
    if (!last || points.length < limit) return;
    from = BigInt(last.time) + 1n;
    limit = Math.max(firstPage, Math.min(largestPage, Math.floor(cellsPerPage / table.columns.length)));
  }
}

function pointsOf({ columns, values }: Table, measurement: string, device: string): Point[] {
  // The first column is the time.
  const names = columns.slice(1).map(decodeName);
  return values.map(([time, ...cells]) => {
    const present: [string, string | number | boolean][] = [];
    for (const [index, name] of names.entries()) {
      const value = cells[index];
      if (value !== null && value !== undefined) present.push([name, value]);
    }
    return { measurement, device, time: nanosecondsOf(String(time)), fields: Object.fromEntries(present) };
  });
}

async function query(
  { address, transport, signal }: Connection,
  statement: string,
  params?: Readonly<Record<string, string>>,
): Promise<Table> {
  try {
    return await ask(transport, { bucket: address.bucket, signal: signal() }, statement, params);
  } catch (error) {
    if (error instanceof InfluxqlError) {
      const detail = `InfluxDB at ${address.url} does not let bucket "${address.bucket}" be read: ${error.message}`;
      throw new GaplineError('store-refused', detail, { cause: error });
    }
    const verdict = judge(error, address, Date.now());
    if (verdict.about === 'server') throw verdict.error;
    throw new GaplineError('store-refused', `InfluxDB at ${address.url} refuses to be read: ${verdict.reason}`);
  }
}

function clamp(time: bigint): bigint {
  if (time < earliestTime) return earliestTime;
  return time > latestTime ? latestTime + 1n : time;
}
