import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { checkFree } from '../../core/http/shared-port.ts';
import type { EventLog, LogRecord } from '../../core/log/port.ts';
import { reportStatus } from '../../core/log/status.ts';
import { createReporter } from '../../core/stage/reporter.ts';
import { createStage } from '../../core/stage/stage.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { waitingIn } from '../admission.ts';
import type { Collector } from '../collector.ts';
import { createFactsIntake } from '../facts/intake.ts';
import { createCollectorMetrics } from '../metrics.ts';
import { type CollectorSpoolFiles, drainedPerSecondOf, reportSpools, sizeOf } from '../spools.ts';
import { UnknownFields } from '../unknown-fields.ts';
import { type FromWorker, noFigures } from './messages.ts';
import { answerFacts } from './sent-facts.ts';
import { AllWorkersHits } from './shared-hits.ts';
import { addRemains, sumMetrics, sumStatus } from './sums.ts';
import { WorkerProcess } from './worker-process.ts';

export interface WorkersOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  /** What the primary process itself counts; it is in the sum. */
  readonly registry: Registry;
  readonly count: number;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** Where facts of all workers wait while the log is unavailable: beside this file. */
  readonly spool?: CollectorSpoolFiles;
  /** Starts the process of a worker, counted from 1, on a port. */
  readonly start: (slot: number, port: number) => ChildProcess;
}

/** One group of facts of each worker is under way, and a worker bounds its own. */
const factsBytes = 64_000_000;
/** How long the log may take for one group of facts. */
const factsDeadlineMs = 5_000;
/** Less than a shutdown may take. */
const stopGraceMs = 8_500;

/**
 * A collector in several processes that share one port. This process starts them, starts those anew that die, adds their figures up,
 * shares the counts of rate limits, makes their facts durable in one order, and takes no readings itself.
 */
export function createWorkers(options: WorkersOptions): Collector {
  const { stream, log, logger, registry, count, host, port } = options;
  const hits = new AllWorkersHits(Date.now);
  let remains = noFigures;
  let remaining: Promise<void> = Promise.resolve();
  let url: string | undefined;
  const deaths = createMetrics(registry, () => workers.filter(({ pid }) => pid !== undefined).length);

  const facts = createFacts(options);

  const received = (message: FromWorker, from: WorkerProcess): void => {
    if (message.kind === 'hits') {
      const all = hits.add(message.hits);
      for (const worker of workers) worker.send({ kind: 'hits', hits: all });
    } else if (message.kind === 'facts') {
      void answerFacts(message, facts.commit).then((answer) => from.send(answer));
    } else if (message.kind === 'scrape') {
      const { id } = message;
      // Without an answer the worker tells its caller that the others do not report.
      scrape().then(
        (text) => from.send({ kind: 'scraped', id, text }),
        (error: unknown) => logger.error({ err: error }, 'the metrics of the workers cannot be added up'),
      );
    }
  };
  const workers = Array.from(
    { length: count },
    (_, index) =>
      new WorkerProcess({
        ...{ slot: index + 1, start: options.start, logger, received },
        ended(last) {
          deaths.inc();
          remaining = remaining.then(async () => {
            remains = await addRemains(remains, last);
          });
        },
      }),
  );

  async function scrape(): Promise<string> {
    await Promise.all(workers.map((worker) => worker.refresh()));
    await remaining;
    const own = await registry.getMetricsAsJSON();
    return sumMetrics([own, remains.metrics, ...workers.map(({ figures }) => figures.metrics)]);
  }

  const reporter = createReporter({ stream, stage: 'collector' });
  const snapshot = async () => {
    await remaining;
    const { lastError, ...figures } = sumStatus([
      ...[facts.status(), remains.status],
      ...workers.map((worker) => worker.figures.status),
    ]);
    return { ...reporter.status(figures), ...(lastError && { lastError }) };
  };
  const [first, ...others] = workers;
  const stage = createStage({
    async open() {
      if (port !== 0) await checkFree({ host, port });
      facts.start();
      // The first one finds a free port where none is named.
      url = await first?.start(port);
      const taken = Number(new URL(url ?? '').port);
      await Promise.all(others.map((worker) => worker.start(taken)));
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop(stopGraceMs)));
      await facts.stop();
    },
    report: () => reportStatus({ log, topic: stream.topics.status, logger, snapshot }),
  });
  return {
    ...stage,
    get url() {
      if (url === undefined) throw new Error('the workers do not listen');
      return url;
    },
  };
}

/**
 * The facts of all workers. They go through one group commit and one spool: with a spool in each worker, a fact could be appended before
 * an older one of the same identity that waits elsewhere, and the older one would be the last in the log.
 */
function createFacts({ stream, log, logger, registry, spool }: WorkersOptions) {
  const metrics = createCollectorMetrics(registry, {
    waitingBytes: () => waitingIn(intake.admission),
    spool: () => sizeOf(spools()),
    drainedPerSecond: () => drainedPerSecondOf(spools()),
    nowMs: Date.now,
    unknownFields: new UnknownFields(stream.fields),
  });
  const intake = createFactsIntake({
    ...{ stream, log, metrics, logger, spool, nowMs: Date.now },
    ...{ maxWaitingBytes: factsBytes, deadlineMs: factsDeadlineMs },
  });
  const spools = () => (intake.spools ? [intake.spools] : []);
  return {
    start: intake.start,
    commit: (records: readonly LogRecord[]) => intake.admission.groups.add(records),
    status: () => ({ counters: metrics.counters, ...reportSpools(spools(), Date.now()) }),
    async stop() {
      await intake.admission.groups.close();
      await intake.stop();
    },
  };
}

function createMetrics(registry: Registry, running: () => number): Counter {
  new Gauge({
    name: 'gapline_collector_workers',
    help: 'Processes that take readings on the one port',
    registers: [registry],
    collect() {
      this.set(running());
    },
  });
  return new Counter({
    name: 'gapline_collector_workers_ended_total',
    help: 'Workers that ended; each is started anew',
    registers: [registry],
  });
}
