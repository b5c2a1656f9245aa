import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Access } from '../core/access/access.ts';
import { createGuard, createOriginCheck, type RateLimits } from '../core/access/guard.ts';
import { requireTokens } from '../core/access/require-tokens.ts';
import { Sessions } from '../core/access/sessions.ts';
import { Listener } from '../core/http/listener.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import type { EventLog } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createApp, type DescribeVersion } from './app.ts';
import { readAssets, readPages } from './assets.ts';
import type { Controls } from './controls.ts';
import { Figures } from './figures/figures.ts';
import { watchLine } from './line-watch.ts';
import { Live } from './live.ts';
import { createDashboardMetrics } from './metrics.ts';
import { PredictionsOut } from './predictions/routes.ts';

export interface DashboardOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly registry?: Registry;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** What the registry knows of a version of the model, for the page that compares two. Default: nothing. */
  readonly describeVersion?: DescribeVersion | undefined;
  /** Where the generator runs beside it: the page then has a gap slider. */
  readonly controls?: Controls;
  /** How often open pages are sent what changed. Default 400 ms. */
  readonly everyMs?: number;
  /** Pages open at once. Default 64. */
  readonly mostPages?: number;
  /** Who may look (`read`) and control (`admin`). Default: everyone. Where it is given and open, the page listens on loopback only. */
  readonly access?: Access;
  /** Requests a minute. Default: any number. */
  readonly rateLimits?: RateLimits;
  /** Certificate and key of TLS; both are reloaded when their files change. */
  readonly tls?: TlsFiles;
}

export interface Dashboard extends Stage {
  /** Where it listens; throws before `start` has resolved. */
  readonly url: string;
}

const timeouts = { requestTimeoutMs: 10_000, headersTimeoutMs: 10_000 };
/** A program may hold many streams of predictions open from one address. */
const connections = { maxConnections: 4_000, maxConnectionsPerAddress: 1_500 };

/** The live page: watches the log and shows what goes down the line. It takes part in nothing; the line runs the same without it. */
export function createDashboard(options: DashboardOptions): Dashboard {
  const { stream, log, logger, registry, host, port, controls, describeVersion, tls } = options;
  const figures = new Figures({ stream });
  figures.gapRate = controls?.gapRate ?? null;
  const live = new Live({ figures, everyMs: options.everyMs ?? 400, mostClients: options.mostPages ?? 64 });
  const predictions = new PredictionsOut({ log, topic: stream.topics.predictions, logger });
  const metrics = createDashboardMetrics(registry, live);
  const access = options.access ?? new Access({ logger });
  const sessions = new Sessions({ access, secure: tls !== undefined });
  const guard = createGuard({ access, host, sessions, limits: options.rateLimits ?? {} });
  const checkOrigin = createOriginCheck({ access, host });
  const listener = new Listener({ host, port, tls, ...timeouts, ...connections, logger });
  const stopping = new AbortController();
  const reporter = createReporter({ stream, stage: 'dashboard' });
  let watching: Promise<void> | undefined;

  const snapshot = () => reporter.status({ counters: metrics.counters() });
  const stage = createStage({
    async open() {
      if (options.access) requireTokens('the live page', host, options.access);
      const [pages, assets] = await Promise.all([readPages(), readAssets()]);
      const server = { describeVersion, access, guard, checkOrigin, sessions, tls: tls !== undefined };
      await listener.start(
        createApp({ stream, pages, assets, figures, live, predictions, logger, registry, controls, ...server }),
      );
      watching = watchLine({ stream, log, logger, figures, metrics, signal: stopping.signal });
    },
    async close() {
      stopping.abort();
      live.stop();
      await Promise.all([watching, predictions.stop(), listener.stop()]);
    },
    report: () => reportStatus({ log, topic: stream.topics.status, logger, snapshot }),
  });
  return {
    ...stage,
    get url() {
      return listener.url;
    },
  };
}
