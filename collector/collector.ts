import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Access } from '../core/access/access.ts';
import { createGuard, type RateLimits } from '../core/access/guard.ts';
import { requireTokens } from '../core/access/require-tokens.ts';
import { Listener } from '../core/http/listener.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import type { EventLog } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createAdmission, waitingIn } from './admission.ts';
import { createHandlers, type Readiness } from './app.ts';
import { archiveGroup } from './archive.ts';
import { createFactsIntake, createFactsOfWorker } from './facts/intake.ts';
import { createCollectorMetrics } from './metrics.ts';
import { AwaitedLabels } from './readings/awaited-labels.ts';
import type { Spool } from './spool/spool.ts';
import {
  type CollectorSpoolFiles,
  createSpools,
  drainedPerSecondOf,
  reportSpools,
  type Spools,
  sizeOf,
} from './spools.ts';
import { UnknownFields } from './unknown-fields.ts';
import type { WorkerLink } from './workers/link.ts';
import type { Figures } from './workers/messages.ts';

export interface CollectorOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** The tag of line protocol that names the device. Default `device`. */
  readonly deviceTag?: string;
  /** The only measurement of line protocol that is taken. Default: any. */
  readonly measurement?: string;
  /** How far ahead of this clock a reading's time may be. Default one hour. */
  readonly maxAheadMs?: number;
  /** Of one request, after decompression. Default 10 MB. */
  readonly maxBodyBytes?: number;
  /** Of one request. Default 10,000. */
  readonly maxReadings?: number;
  /** Memory for bodies being read and readings not yet durable, half each; requests beyond it get 503. Default 64 MB. Facts have half as much beside it. */
  readonly maxWaitingBytes?: number;
  /** Who may write and read. Default: everyone. Where it is given and open, the collector listens on loopback only. */
  readonly access?: Access;
  /** Certificate and key of TLS; both are reloaded when their files change. */
  readonly tls?: TlsFiles;
  /** Requests a minute. Default: any number. */
  readonly rateLimits?: RateLimits;
  /** Where readings wait while the log is unavailable. Without it they are refused then. */
  readonly spool?: CollectorSpoolFiles;
  /** Connections at once. Default 10,000. */
  readonly maxConnections?: number;
  /** Where this is one of several workers: what it shares with them. They listen on the same port. */
  readonly link?: WorkerLink;
  /** Another worker listens on the port already. */
  readonly joinsPort?: boolean;
  /** How long the log may take for one group of readings. Default 5 s. */
  readonly appendDeadlineMs?: number;
  /** For the headers of a request to arrive. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** For all of a request to arrive. Default 60 s. */
  readonly requestTimeoutMs?: number;
  /** Whether each reading gets a label of its own, which a sender may wait for; false for a stream of windows. Default true. */
  readonly labelsReadings?: boolean;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly nowMs?: () => number;
}

export interface Collector extends Stage {
  /** Where it listens; throws before `start` has resolved. */
  readonly url: string;
}

const stopGraceMs = 8_000;

/** Takes readings over HTTP, checks them, and responds once the log holds them. */
export function createCollector(options: CollectorOptions): Collector {
  const { stream, log, logger, registry, link, maxWaitingBytes = 64_000_000 } = options;
  const nowMs = options.nowMs ?? Date.now;
  const unknownFields = new UnknownFields(stream.fields);
  const metrics = createCollectorMetrics(registry, {
    unknownFields,
    waitingBytes: () => waitingIn({ memory, groups }) + waitingIn(facts.admission),
    spool: () => sizeOf(allSpools()),
    drainedPerSecond: () => drainedPerSecondOf(allSpools()),
    journalReadings: () => spools.journaling?.waiting ?? 0,
    nowMs,
  });
  const spools = createSpools({
    ...{ log, topic: stream.topics.readings, metrics, logger, nowMs },
    deadlineMs: options.appendDeadlineMs ?? 5_000,
    files: options.spool,
  });
  const { groups, memory } = createAdmission({
    commit: (records) => spools.commit(records),
    maxWaitingBytes,
    logger,
    nowMs: () => performance.now(),
  });
  const facts = link
    ? createFactsOfWorker(link.commitFacts, maxWaitingBytes, logger)
    : createFactsIntake({
        ...{ stream, log, metrics, logger, nowMs, maxWaitingBytes, spool: options.spool },
        deadlineMs: options.appendDeadlineMs ?? 5_000,
      });
  const allSpools = () => (facts.spools ? [spools, facts.spools] : [spools]);
  const access = options.access ?? new Access({ logger });
  const labels =
    options.labelsReadings === false ? undefined : new AwaitedLabels({ log, topic: stream.topics.predictions, logger });
  const { handler, direct } = createHandlers({
    stream,
    deviceTag: options.deviceTag ?? 'device',
    measurement: options.measurement,
    maxReadings: options.maxReadings ?? 10_000,
    maxAheadMs: options.maxAheadMs ?? 3_600_000,
    body: { maxBytes: options.maxBodyBytes ?? 10_000_000, maxDiscardBytes: 256_000_000, discardMs: 30_000 },
    memory,
    guard: createGuard({
      ...{ access, host: options.host, limits: options.rateLimits ?? {} },
      ...(link && { createCounter: link.createCounter }),
    }),
    groups,
    labels,
    factAdmission: facts.admission,
    metrics,
    exposition: () => (link ? link.metrics() : registry.metrics()),
    logger,
    ready: () => readiness(log, stream, spools.own),
    nowMs,
    tls: options.tls !== undefined,
  });
  const listener = createListener(options);
  const figures = () => figuresOf({ counters: metrics.counters, unknownFields, spools: allSpools(), nowMs });
  const stage = createStage({
    async open() {
      if (options.access) requireTokens('the collector', options.host, options.access);
      spools.start();
      facts.start();
      await listener.start(handler, direct);
    },
    async close() {
      // Readings of senders that wait are durable: they are told so before the connections are cut off.
      await Promise.all([listener.stop(), labels?.stop()]);
      await Promise.all([groups.close(), facts.admission.groups.close()]);
      await spools.stop();
      await facts.stop();
    },
    report: () => report(options, figures),
  });
  return {
    ...stage,
    get url() {
      return listener.url;
    },
  };
}

interface FiguresSource {
  readonly counters: Record<string, number>;
  readonly unknownFields: UnknownFields;
  readonly spools: readonly Spools[];
  readonly nowMs: () => number;
}

function figuresOf({ counters, unknownFields, spools, nowMs }: FiguresSource): Figures['status'] {
  const unknown = unknownFields.report();
  return { counters, ...reportSpools(spools, nowMs()), ...(unknown && { unknownFields: unknown }) };
}

/** Reports to the log, or, as a worker, to the process that adds up what the workers report. */
function report({ stream, log, logger, registry, link }: CollectorOptions, figures: () => Figures['status']) {
  if (link) return link.report(async () => ({ status: figures(), metrics: await registry.getMetricsAsJSON() }));
  const reporter = createReporter({ stream, stage: 'collector' });
  const snapshot = () => ({ ...reporter.status({ counters: {} }), ...figures() });
  return reportStatus({ log, topic: stream.topics.status, logger, snapshot });
}

function createListener(options: CollectorOptions): Listener {
  const { host, port, tls, joinsPort = false, maxConnections = 10_000, logger } = options;
  return new Listener({
    host,
    port,
    tls,
    headersTimeoutMs: options.headersTimeoutMs ?? 10_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    keepAliveTimeoutMs: 65_000,
    maxConnections,
    sharedPort: true,
    joinsPort,
    graceMs: stopGraceMs,
    logger,
  });
}

/** The response of `/ready`: the log has to take readings, or else the spool. */
async function readiness(log: EventLog, stream: Stream, spool: Spool | undefined): Promise<Readiness> {
  try {
    await log.lag(archiveGroup(stream), [stream.topics.readings]);
    return { status: 'pass' };
  } catch {
    // This endpoint is open to everyone, so it does not name the error; the log file and the status report do.
    return spool?.hasSpace
      ? { status: 'warn', output: 'the log is unavailable; readings wait in the spool' }
      : { status: 'fail', output: 'the log is unavailable' };
  }
}
