// How many readings a second the collector accepts, and how much CPU time a million of them need: one in each POST, and in NDJSON batches.
// node bench/collector.ts [--seconds 10] [--connections 50] [--batch 1000] [--log memory|slow|sqlite|kafka://HOST:PORT] [--flush]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import pino from 'pino';
import { Registry } from 'prom-client';
import { createCollector } from '../collector/collector.ts';
import type { EventLog } from '../core/log/port.ts';
import { type Stream, topicsOf } from '../core/wire/stream.ts';

const width = 57;
const stream: Stream = {
  name: 'bench',
  fields: Array.from({ length: width }, (_, index) => `word_freq_${index}`),
  topics: topicsOf('bench'),
};

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '50' },
    batch: { type: 'string', default: '1000' },
    log: { type: 'string', default: 'sqlite' },
    flush: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
  },
});

if (options.serve) await serve();
else await drive();

/** Sends a message to the parent process. */
function report(message: object): void {
  if (!process.send) throw new Error('--serve is for a child process only');
  process.send(message);
}

/** The child: a collector that sends its URL, sends its CPU time after each message, and ends with its parent. */
async function serve(): Promise<void> {
  const logger = pino({ level: 'warn' });
  const folder = mkdtempSync(join(tmpdir(), 'gapline-bench-'));
  const log = await openLog(folder, logger);
  await log.start();
  await log.ensureTopics(
    Object.values(stream.topics).map((name) => ({
      name,
      partitions: 12,
      retentionMs: 3_600_000,
      flush: options.flush,
    })),
  );
  const collector = createCollector({ stream, log, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
  await collector.start();
  report({ url: collector.url });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    report({ cpuS: (user + system) / 1e6, residentMb: Math.round(process.memoryUsage.rss() / 1e6) });
  });
  process.once('disconnect', () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  });
}

async function openLog(folder: string, logger: pino.Logger): Promise<EventLog> {
  if (options.log === 'memory') return forgetfulLog(0);
  if (options.log === 'slow') return forgetfulLog(500);
  if (options.log.startsWith('kafka')) {
    const { createKafkaLog } = await import('../core/log/kafka.ts');
    return createKafkaLog({ url: options.log, logger });
  }
  const { createSqliteLog } = await import('../core/log/sqlite.ts');
  return createSqliteLog({ file: join(folder, 'gapline.db'), logger });
}

/** A log that keeps nothing, to measure the collector by itself; with a delay, to measure what a flood does to it. */
function forgetfulLog(appendMs: number): EventLog {
  const never = (): never => {
    throw new Error('this log only appends');
  };
  return {
    start: async () => {},
    stop: async () => {},
    ensureTopics: async () => {},
    append: () => (appendMs === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, appendMs))),
    pipe: never,
    drain: never,
    tail: never,
    lag: async () => [],
    rewind: never,
  };
}

async function drive(): Promise<void> {
  const child = fork(
    fileURLToPath(import.meta.url),
    ['--serve', '--log', options.log, ...(options.flush ? ['--flush'] : [])],
    { stdio: 'inherit' },
  );
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const measure = async (): Promise<{ cpuS: number; residentMb: number }> => {
    child.send({});
    return (await once(child, 'message'))[0] as { cpuS: number; residentMb: number };
  };
  for (const batch of [1, Number(options.batch)]) {
    const before = await measure();
    const result = await load(`${url}/readings`, batch);
    const after = await measure();
    const accepted = result['2xx'] * batch;
    const line = {
      log: options.log.split(':')[0],
      flush: options.flush,
      batch,
      readingsPerSecond: Math.round(accepted / result.duration),
      cpuSecondsPerMillion: round((after.cpuS - before.cpuS) / (accepted / 1e6)),
      p50Ms: result.latency.p50,
      p99Ms: result.latency.p99,
      refused: result.non2xx,
      errors: result.errors,
      residentMb: after.residentMb,
    };
    console.log(JSON.stringify(line));
  }
  child.disconnect();
  await once(child, 'exit');
}

function load(url: string, batch: number) {
  const bodies = Array.from({ length: 20 }, (_, index) => bodyOf(batch, index));
  return autocannon({
    url,
    connections:
      batch === 1 || options.log === 'slow' ? Number(options.connections) : Math.min(8, Number(options.connections)),
    duration: Number(options.seconds),
    requests: bodies.map((body) => ({
      method: 'POST',
      headers: { 'content-type': batch === 1 ? 'application/json' : 'application/x-ndjson' },
      body,
    })),
  });
}

/** Readings as sparse as Spambase's: three values of four are 0, the rest short decimals, one in ten a gap. */
function bodyOf(batch: number, salt: number): string {
  let state = salt + 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const value = (): number | null => {
    if (random() < 0.1) return null;
    return random() < 0.75 ? 0 : Math.round(random() * 500) / 100;
  };
  const lines = Array.from({ length: batch }, (_, index) => {
    const values = Object.fromEntries(stream.fields.map((name) => [name, value()]));
    return JSON.stringify({
      device: `device-${index % 20}`,
      time: String(1_700_000_000_000_000_000n + BigInt(salt * batch + index)),
      values,
    });
  });
  return lines.join('\n');
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
