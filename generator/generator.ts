import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { GapPatternName } from './gaps/choose.ts';
import { createLedger } from './ledger.ts';
import { openRunPlan, type RunPlan } from './run-plan.ts';
import { createSender } from './sender.ts';
import { sendReadings } from './sending.ts';
import type { Source } from './source.ts';

export interface GeneratorOptions {
  readonly source: Source;
  /** The collector's address. */
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Whether the collector's certificate is taken unseen. Only for a collector in the same process. */
  readonly anyCertificate?: boolean;
  /** Readings a second in all; 0 is as fast as they are taken. */
  readonly rate: number;
  /** Readings a POST. Above 1 they travel as NDJSON. */
  readonly batch: number;
  /** Requests under way at once. A device has one at a time, so that its readings arrive in order. */
  readonly concurrency: number;
  readonly gaps: { readonly rate: number; readonly pattern: GapPatternName; readonly length: number };
  readonly seed: number;
  /** Begin again at the end of the source. */
  readonly repeat: boolean;
  /** Readings in all; undefined is no bound but the source's. */
  readonly count?: number;
  /** Time of the first reading, in nanoseconds since the epoch, as a decimal string. Default: now. */
  readonly start?: string;
  /** Where it is kept how far the stream has come, so that a restart resumes. Undefined: every start begins from the first reading. */
  readonly progressFile?: string;
  /** To this file the identity of each accepted reading is appended, a JSON object a line. */
  readonly ledgerFile?: string;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** What a generator did since it started. */
export interface GeneratorTotals {
  /** Readings that were handed to the network, each counted once. */
  readonly sent: number;
  readonly accepted: number;
  /** Attempts that failed and were made again. */
  readonly retried: number;
  /** Values of accepted readings that were missing. */
  readonly gaps: number;
  /** Values of accepted readings, missing or not. */
  readonly values: number;
  /** Readings that were accepted in earlier runs of the same stream. */
  readonly before: number;
}

export interface Generator extends Stage {
  /** Resolves when all readings are accepted, or the generator was stopped; rejects as `failed` does. */
  readonly finished: Promise<GeneratorTotals>;
  /** The present gap rate, 0 to 1. */
  readonly gapRate: number;
  /** Changes the gap rate from the next reading on. */
  setGapRate(rate: number): void;
  totals(): GeneratorTotals;
  /** Readings in all, with those of earlier runs; Infinity where there is no end. */
  readonly length: number;
}

const saveEveryMs = 1_000;
/** How long `stop` waits for requests under way. */
const graceMs = 4_000;

/** Devices that measure, lose values and POST. The same seed and start give the same readings, whatever the concurrency. */
export function createGenerator(options: GeneratorOptions): Generator {
  const { source, logger, now = Date.now } = options;
  const totals = { sent: 0, accepted: 0, retried: 0, gaps: 0, values: 0, before: 0 };
  const length = Math.min(
    options.count ?? Number.POSITIVE_INFINITY,
    options.repeat ? Number.POSITIVE_INFINITY : source.length,
  );
  const sender = createSender({
    ...options,
    connections: options.concurrency,
    retried: () => {
      totals.retried += 1;
    },
  });
  const ledger = createLedger(options.ledgerFile, logger);
  const finished = Promise.withResolvers<GeneratorTotals>();
  finished.promise.catch(() => {});
  /** Takes no more readings in hand. */
  const stopping = new AbortController();
  /** Gives up requests under way. */
  const aborting = new AbortController();
  let wantedGapRate = options.gaps.rate;
  let plan: RunPlan | undefined;
  let saving: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  async function close(plan: RunPlan): Promise<void> {
    clearInterval(saving);
    sender.close();
    ledger.close();
    await plan.close(!stopping.signal.aborted);
  }

  async function open(fail: (error: unknown) => void): Promise<void> {
    const opened = openRunPlan({ ...options, streamId: streamId(options), now });
    plan = opened;
    if (wantedGapRate !== opened.gapRate) opened.setGapRate(wantedGapRate);
    ledger.open();
    totals.before = opened.acceptedBefore;
    if (totals.before > 0) logger.info(`resuming after ${totals.before} readings of an earlier run`);
    saving = setInterval(() => opened.save(), saveEveryMs);
    saving.unref();
    const signals = { stopping, aborting };
    running = sendReadings({ options: { ...options, length, now }, plan: opened, sender, ledger, totals, ...signals })
      .finally(() => close(opened))
      .then(
        () => finished.resolve({ ...totals }),
        (error: unknown) => {
          fail(error);
          finished.reject(error);
        },
      );
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const timer = setTimeout(() => aborting.abort(), graceMs);
    await running;
    clearTimeout(timer);
    finished.resolve({ ...totals });
  }

  return {
    ...createStage({ open, close: stop }),
    finished: finished.promise,
    totals: () => ({ ...totals }),
    length,
    get gapRate() {
      return wantedGapRate;
    },
    setGapRate(wanted) {
      wantedGapRate = Math.min(1, Math.max(0, wanted));
      plan?.setGapRate(wantedGapRate);
    },
  };
}

/** A hash of all that decides the readings: with another one, what was kept of a stream is no use to this one. */
function streamId({ source, seed, gaps, start, rate }: GeneratorOptions): string {
  const spacing = start === undefined ? null : rate;
  const parts = [source.fingerprint, source.fields, source.devices, seed, gaps, start ?? null, spacing];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
