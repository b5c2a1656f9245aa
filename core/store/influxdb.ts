import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { pointFault } from './fault.ts';
import { createFieldTypes } from './field-types.ts';
import { judge } from './influxdb-answer.ts';
import { type Connection, createReader, typesFrom } from './influxdb-read.ts';
import { createLineWriter } from './line.ts';
import type { ReadOptions, RejectedPoint, SeriesStore } from './port.ts';

export interface InfluxStoreOptions {
  /** `http://HOST:8086`, without a path unless a proxy adds one. */
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
  /** May write to and read from the bucket. */
  readonly token: string;
  readonly logger: Logger;
  /** How long one request may take. Default 30,000. */
  readonly timeoutMs?: number;
}

/** How long `stop` waits for running writes before it cancels them. */
const stopTimeoutMs = 5_000;

/**
 * InfluxDB 2 as a series store, through the official client: one request a batch, and no retries of its own, because its buffer drops the
 * oldest when full. The caller keeps what is not written yet; {@link judge} classifies the responses.
 */
export function createInfluxStore({ token, logger, timeoutMs = 30_000, ...address }: InfluxStoreOptions): SeriesStore {
  let open: Open | undefined;
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  function opened(): Open {
    if (open === undefined) throw new GaplineError('store-unavailable', `The store at ${address.url} is not open.`);
    return open;
  }

  return {
    async start() {
      if (address.bucket.includes('/')) {
        const detail = `Bucket "${address.bucket}" has a slash in its name, and InfluxDB lists no devices of such a bucket.`;
        throw new GaplineError('config-invalid', detail);
      }
      const { InfluxDB, escape: escaping } = await import('@influxdata/influxdb-client');
      const { transport } = new InfluxDB({ url: address.url, token, timeout: timeoutMs });
      const signal = () => AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      const store = connect({ address, transport, signal, logger }, createLineWriter(escaping));
      await checkAccess(store, logger);
      open = store;
    },

    async stop() {
      const timer = setTimeout(() => closing.abort(), stopTimeoutMs);
      await Promise.allSettled(underWay);
      clearTimeout(timer);
      open = undefined;
    },

    write(points) {
      const written = write(opened, points).finally(() => underWay.delete(written));
      underWay.add(written);
      return written;
    },

    async *read(options) {
      yield* opened().read(options);
    },
  };
}

async function write(opened: () => Open, points: readonly Point[]): Promise<readonly RejectedPoint[]> {
  return opened().write(points);
}

/** An unavailable server may become available; a token or bucket that it refuses will not by itself. */
async function checkAccess({ send }: Open, logger: Logger): Promise<void> {
  try {
    await send('');
  } catch (error) {
    if (!(error instanceof GaplineError) || error.code !== 'store-unavailable') {
      throw new GaplineError('store-refused', describeError(error), { cause: error, retryable: false });
    }
    logger.warn({ error: describeError(error) }, 'InfluxDB is unavailable; writing continues when it is back');
  }
}

interface Open {
  /** Sends lines in one request. */
  send(body: string): Promise<void>;
  write(points: readonly Point[]): Promise<readonly RejectedPoint[]>;
  read(options: ReadOptions): AsyncIterable<readonly Point[]>;
}

interface Line {
  readonly index: number;
  readonly text: string;
}

/** Points of a request that is at fault as a whole or in part. */
class PointsRefused extends Error {}

/** Makes a function that sends lines in one request, unless the server asked to be left alone and that time is not over. */
function createSender({ address, transport, signal }: Connection): (body: string) => Promise<void> {
  const { org, bucket } = address;
  const path = `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ns' })}`;
  let quietUntilMs = 0;

  return async (body) => {
    const nowMs = performance.now();
    if (nowMs < quietUntilMs) {
      const seconds = Math.ceil((quietUntilMs - nowMs) / 1_000);
      const detail = `InfluxDB at ${address.url} asked to be left alone for another ${seconds} s`;
      throw new GaplineError('store-unavailable', detail, { retryable: true });
    }
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    try {
      await transport.request(path, body, { method: 'POST', headers, signal: signal() });
    } catch (error) {
      const verdict = judge(error, address, Date.now());
      if (verdict.about === 'points') throw new PointsRefused(verdict.reason);
      quietUntilMs = performance.now() + verdict.waitMs;
      throw verdict.error;
    }
  };
}

function connect(connection: Connection, lineOf: (point: Point) => string): Open {
  const types = createFieldTypes(typesFrom(connection));
  const send = createSender(connection);

  /** Writing a point twice changes nothing, so a batch that is at fault is written in halves until the culprits are alone. */
  async function writeLines(lines: readonly Line[]): Promise<RejectedPoint[]> {
    try {
      await send(lines.map(({ text }) => text).join('\n'));
      return [];
    } catch (error) {
      if (!(error instanceof PointsRefused)) throw error;
      const [first, second] = lines;
      if (first && !second) return [{ index: first.index, reason: error.message }];
    }
    const middle = lines.length >> 1;
    return [...(await writeLines(lines.slice(0, middle))), ...(await writeLines(lines.slice(middle)))];
  }

  return {
    send,
    async write(points) {
      const rejected: RejectedPoint[] = [];
      const sound: { index: number; point: Point }[] = [];
      for (const [index, point] of points.entries()) {
        const reason = pointFault(point);
        if (reason === undefined) sound.push({ index, point });
        else rejected.push({ index, reason });
      }
      await types.learn(sound.map(({ point }) => point));
      const lines: Line[] = [];
      for (const { index, point } of sound) {
        const reason = types.fault(point);
        if (reason === undefined) lines.push({ index, text: lineOf(point) });
        else rejected.push({ index, reason });
      }
      if (lines.length === 0) return rejected;
      try {
        rejected.push(...(await writeLines(lines)));
      } catch (error) {
        // The points may be missing, and so may the types of their fields.
        types.forget();
        throw error;
      }
      return rejected.sort((a, b) => a.index - b.index);
    },

    read: createReader(connection),
  };
}
