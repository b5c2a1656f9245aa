import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { EventLog, Sampling, StoredRecord } from '../core/log/port.ts';
import { sleep } from '../core/retry/sleep.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { ReadOffsets } from './read-offsets.ts';

/** How far back to start. Where that takes too long to read, the next shorter past is tried, and at last none. */
const pastsMs = [600_000, 60_000, 10_000];
const defaultPastTimeoutMs = 10_000;
/** What arrived longer ago than this is the past; the present is reached when there was none of it for a while. */
const presentMs = 2_000;
const quietMs = 500;
/** Further behind than this, what was missed is skipped, but not again within `betweenJumpsMs`: clocks may differ. */
const tooFarBehindMs = 15_000;
const betweenJumpsMs = 60_000;
/** The delays before the first attempts to read again, then the one before all later ones. */
const retriesMs = [500, 1_000, 2_000, 5_000];
const lastRetryMs = 10_000;
/** A topic that cannot be read reports an error sooner than this. */
const silenceMs = 1_000;
/** After trouble, this much is read again: partitions are read one after another. What was taken already is dropped. */
const overlapMs = 5_000;

export interface WatchOptions {
  readonly log: EventLog;
  readonly topics: readonly string[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** How long the past may take to be read before a shorter one is tried. Default 10 s. */
  readonly pastTimeoutMs?: number;
  /** What to do with topics that grow too fast; default: read all of them. */
  readonly sampling?: Sampling;
  take(records: readonly StoredRecord[]): void;
  /** What was taken so far is the wrong end of the past: forget it, the newer end follows. */
  forget?(): void;
  /** The log cannot be read, or (null) can be again. */
  trouble(message: string | null): void;
  /** About so many records were skipped. */
  skipped?(records: number): void;
  /** The recent past has been read. */
  caughtUp?(): void;
}

/**
 * Follows topics: the recent past first, as far back as can be read in a few seconds, then what arrives. Never gives up; where the
 * log cannot be read it reports that, and resumes where it was.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #offsets = new ReadOffsets();
  #past = 0;
  #atPresent = false;
  #lastArrivedMs = 0;
  #lastJumpMs = Number.NEGATIVE_INFINITY;
  #quiet: NodeJS.Timeout | undefined;
  /** When the tail that is being read was begun. */
  #begunMs = Number.POSITIVE_INFINITY;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Resolves once the signal is aborted; never rejects. */
  async run(): Promise<void> {
    const { signal, logger, trouble } = this.#options;
    let since = this.#beginning();
    let failures = 0;
    while (!signal.aborted) {
      const before = this.#lastArrivedMs;
      try {
        since = await this.#follow(since);
      } catch (error) {
        this.#begunMs = Number.POSITIVE_INFINITY;
        if (signal.aborted) break;
        failures = this.#lastArrivedMs > before ? 0 : failures + 1;
        trouble(describeError(error));
        const retryMs = retriesMs[failures] ?? lastRetryMs;
        logger.warn({ err: error, retryMs }, 'The live page cannot read the log, and tries again');
        since = this.#atPresent ? this.#lastArrivedMs - overlapMs : this.#beginning();
        await sleep(retryMs, { signal });
      }
    }
    clearTimeout(this.#quiet);
  }

  /** The log was just seen to respond: a tail that has been silent for a while is then no sign of trouble. */
  logResponded(): void {
    if (performance.now() - this.#begunMs > silenceMs) this.#options.trouble(null);
  }

  #beginning(): number | 'now' {
    const pastMs = pastsMs[this.#past];
    return pastMs === undefined ? 'now' : Date.now() - pastMs;
  }

  /** Reads until it is better to start elsewhere; returns where. */
  async #follow(since: number | 'now'): Promise<number | 'now'> {
    const { log, topics, signal, sampling, take, trouble, skipped } = this.#options;
    let begunMs: number | undefined;
    this.#begunMs = performance.now();
    this.#expectPresent();
    for await (const records of log.tail(topics, { since, signal, ...(sampling && { sampling }) })) {
      const fresh = this.#offsets.fresh(records);
      const newest = fresh.at(-1);
      if (!newest) continue;
      trouble(null);
      take(fresh);
      skipped?.(this.#offsets.takeSkipped());
      this.#lastArrivedMs = newest.arrivedMs;
      begunMs ??= performance.now();
      const elsewhere = this.#elsewhere(Date.now() - this.#lastArrivedMs, performance.now() - begunMs);
      if (elsewhere !== undefined) return elsewhere;
      await breathe();
    }
    if (signal.aborted) return 'now';
    throw new GaplineError('log-unavailable', 'The log has stopped', { retryable: true });
  }

  #elsewhere(behindMs: number, readingForMs: number): number | 'now' | undefined {
    if (!this.#atPresent) {
      if (behindMs > presentMs) this.#expectPresent();
      if (readingForMs <= (this.#options.pastTimeoutMs ?? defaultPastTimeoutMs)) return undefined;
      this.#past += 1;
      this.#offsets.forget();
      this.#options.forget?.();
      return this.#beginning();
    }
    if (behindMs < tooFarBehindMs || performance.now() - this.#lastJumpMs < betweenJumpsMs) return undefined;
    this.#lastJumpMs = performance.now();
    this.#offsets.jump();
    return 'now';
  }

  /** The present is there when nothing old was read for a while. */
  #expectPresent(): void {
    if (this.#atPresent) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#atPresent = true;
      this.#options.caughtUp?.();
    }, quietMs).unref();
  }
}
