import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { EventLog, Sampling } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stage } from '../core/wire/stage.ts';
import type { Status } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createApp } from './app.ts';
import { readAssets, readPage } from './assets.ts';
import type { Controls } from './controls.ts';
import { Figures } from './figures/figures.ts';
import { Live } from './live.ts';
import { createDashboardMetrics } from './metrics.ts';
import { Watch } from './watch.ts';

export interface DashboardOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly registry?: Registry;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Where the generator runs beside it: the page then has a gap slider. */
  readonly controls?: Controls;
  /** How often open pages are sent what changed. Default 400 ms. */
  readonly everyMs?: number;
  /** Pages open at once. Default 64. */
  readonly mostPages?: number;
}

export interface Dashboard extends Stage {
  /** Where it listens; throws before `start` has resolved. */
  readonly url: string;
}

/** The log hands out little more than is parsed; what is passed over in a stretch is counted to the second in which it began. */
const sampleEveryMs = 500;

/** The live page: watches the log and shows what goes down the line. It takes part in nothing; the line runs the same without it. */
export function createDashboard(options: DashboardOptions): Dashboard {
  const { stream, log, logger, registry, host, port, controls } = options;
  const figures = new Figures({ stream });
  figures.gapRate = controls?.gapRate ?? null;
  const live = new Live({ figures, everyMs: options.everyMs ?? 400, mostClients: options.mostPages ?? 64 });
  const metrics = createDashboardMetrics(registry, live);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 });
  server.maxConnections = 1_000;
  const stopping = new AbortController();
  const instance = randomUUID();
  let watching: Promise<unknown> | undefined;
  let reporting: { stop(): Promise<void> } | undefined;
  let stopped: Promise<void> | undefined;

  const sampling: Sampling = {
    everyMs: sampleEveryMs,
    records: Math.ceil((figures.parsedPerSecond * sampleEveryMs) / 1_000),
    passedOver(topic, count, arrivedMs) {
      metrics.taken(count);
      figures.passOver(topic, count, arrivedMs);
    },
  };

  function watch(topics: readonly string[], isLine: boolean): Promise<void> {
    return new Watch({
      log,
      topics,
      logger,
      signal: stopping.signal,
      take(records) {
        metrics.taken(records.length);
        figures.take(records);
      },
      forget: () => isLine && figures.forgetLine(),
      trouble(message) {
        figures.trouble = message;
      },
      ...(isLine && { sampling }),
      skipped(records) {
        metrics.skipped(records);
        figures.skipped += records;
      },
      caughtUp() {
        if (isLine) figures.catchingUp = false;
      },
    }).run();
  }

  const status = (): Status => ({
    stream: stream.name,
    stage: 'dashboard',
    instance,
    at: new Date().toISOString(),
    counters: metrics.counters(),
  });

  async function close(): Promise<void> {
    stopping.abort();
    live.stop();
    await Promise.all([watching, reporting?.stop(), closeServer(server)]);
  }

  return {
    failed: new Promise(() => {}),
    get url() {
      return urlOf(server);
    },
    async start() {
      const [fillIn, assets] = await Promise.all([readPage(), readAssets()]);
      const page = () => fillIn({ stream: stream.name, fieldCount: stream.fields.length, gapRate: figures.gapRate });
      server.on(
        'request',
        createApp({ page, assets, figures, live, logger, registry, controls, localOnly: isLoopback(host) }),
      );
      await listen(server, host, port);
      const { readings, predictions, shadow, deadLetters, status: word } = stream.topics;
      figures.catchingUp = true;
      watching = Promise.all([watch([readings, predictions, shadow, deadLetters], true), watch([word], false)]);
      reporting = reportStatus({ log, topic: stream.topics.status, logger, snapshot: status });
    },
    stop() {
      stopped ??= close();
      return stopped;
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function urlOf(server: Server): string {
  const address = server.address() as AddressInfo | null;
  if (address === null) throw new Error('the live page does not listen');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      const detail = inUse
        ? `${host}:${port} is in use; choose another port for the live page, or 0 for any free one`
        : `the live page cannot listen on ${host}:${port}`;
      reject(new GaplineError('port-in-use', detail, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
