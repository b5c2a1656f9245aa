import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Registry } from 'prom-client';
import type { EventLog } from '../core/log/port.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import type { Reading } from '../core/wire/reading.ts';
import { type Stream, topicsOf } from '../core/wire/stream.ts';
import { type Collector, type CollectorOptions, createCollector } from './collector.ts';

/** A stream with field names as unusual as real ones. */
export const pumps: Stream = { name: 'pumps', fields: ['a', 'A', 'b', 'char_freq_;'], topics: topicsOf('pumps') };

export interface TestCollector {
  readonly collector: Collector;
  readonly log: EventLog;
  readonly registry: Registry;
  readonly folder: string;
  /** Every reading that the log holds, in order by partition. */
  readings(): Promise<Reading[]>;
  stop(): Promise<void>;
}

/** A folder for files that are synced thousands of times: in memory, where the system has a file system in memory. */
export function quickFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gapline-'));
}

export const silent = pino({ level: 'silent' });

/** Starts a collector on a free port with a SQLite log of its own. `wrap` may change the log's behaviour. */
export async function startCollector(
  options: Partial<CollectorOptions> & { wrap?: (log: EventLog) => EventLog } = {},
): Promise<TestCollector> {
  const folder = quickFolder();
  const log = createSqliteLog({ file: join(folder, 'gapline.db'), logger: silent });
  await log.start();
  await log.ensureTopics(Object.values(pumps.topics).map((name) => ({ name, partitions: 3, retentionMs: 86_400_000 })));
  const registry = new Registry();
  const { wrap, ...rest } = options;
  const collector = createCollector({
    stream: pumps,
    log: wrap === undefined ? log : wrap(log),
    logger: silent,
    registry,
    host: '127.0.0.1',
    port: 0,
    ...rest,
  });
  await collector.start();
  return {
    collector,
    log,
    registry,
    folder,
    readings: () => readingsOf(log),
    async stop() {
      await collector.stop();
      await log.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function readingsOf(log: EventLog): Promise<Reading[]> {
  const readings: Reading[] = [];
  for await (const records of log.tail([pumps.topics.readings], { since: 0, follow: false })) {
    for (const { value } of records) readings.push(JSON.parse(Buffer.from(value).toString('utf8')) as Reading);
  }
  return readings;
}

/** Sends bytes as they are and returns what comes back until the server closes. `half` closes the sending side after them. */
export function exchange(url: string, bytes: string | Buffer, { half = false } = {}): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)));
    socket.on('close', () => resolve(received));
    socket.on('end', () => socket.end());
    socket.write(bytes);
    if (half) socket.end();
  });
}

/** Polls until a value is good; throws with the last value when the deadline passes. */
export async function until<T>(
  read: () => T | Promise<T>,
  good: (seen: T) => boolean,
  deadlineMs = 15_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const seen = await read();
    if (good(seen)) return seen;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms, and still: ${JSON.stringify(seen)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
