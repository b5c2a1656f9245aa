import type { Logger } from 'pino';
import { HttpProblem } from '../core/http/problem.ts';
import { AppendError, type EventLog, type LogRecord } from '../core/log/port.ts';
import { backoffMs, halfRandom } from '../core/retry/backoff.ts';
import { sleep } from '../core/retry/sleep.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Status } from '../core/wire/status.ts';
import type { CollectorMetrics } from './metrics.ts';
import type { SpoolBatch } from './spool/batch.ts';
import { DrainRate } from './spool/drain-rate.ts';
import type { Spool } from './spool/spool.ts';

export interface IntakeOptions {
  readonly log: EventLog;
  readonly topic: string;
  readonly spool: Spool | undefined;
  /** How long the log may take for one group. */
  readonly deadlineMs: number;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** What is sent from the spool at once: enough to be quick, little enough to wait for. */
const drainBytes = 1_000_000;
const backoff = { firstMs: 100, maxMs: 2_000, jitter: halfRandom };

/**
 * Makes groups of readings durable: in the log, or, while the log does not take them, in the spool. As long as the spool holds anything,
 * new readings go behind it, so that those of a device keep their order.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #stopping = new AbortController();
  #draining: Promise<void> | undefined;
  #step: Promise<boolean> = Promise.resolve(true);
  /** Whether the log took what the spool sent last. */
  #flowing = false;
  readonly #rate: DrainRate;
  #lastError: Status['lastError'];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#rate = new DrainRate(options.nowMs);
  }

  /** Readings that go out of the spool, a second, of late. */
  get drainedPerSecond(): number {
    return this.#rate.perSecond;
  }

  start(): void {
    const { spool } = this.#options;
    if (spool === undefined) return;
    this.#mayBeExtra(spool.start().maybeSent, 'the process before may have sent them');
    if (!spool.empty) this.#drain();
  }

  /** Sends no more; what the spool holds stays for the next run. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#draining;
    await this.#step;
    this.#options.spool?.stop();
  }

  /**
   * Resolves once the records are durable in the log or in the spool.
   * @throws {AppendError} without a spool, as the log does
   * @throws {HttpProblem} `spool-full`
   */
  async commit(records: readonly LogRecord[]): Promise<void> {
    const { spool } = this.#options;
    if (spool === undefined) return this.#append(records);
    if (spool.empty) {
      try {
        return await this.#append(records);
      } catch {
        this.#keep(spool, records);
      }
    } else {
      this.#keep(spool, records);
      // While the log takes what it is sent, twice of what comes in goes out: the spool shrinks however much comes.
      const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0);
      for (let turn = 0; turn < 2 && this.#flowing && !spool.empty; turn += 1)
        await this.#next(Math.max(drainBytes, bytes));
    }
  }

  /** What the status report says of the spool, and of the last trouble with the log. */
  status(): Pick<Status, 'spool' | 'lastError'> {
    const { spool, nowMs } = this.#options;
    const lastError = this.#lastError && { lastError: this.#lastError };
    if (spool === undefined) return { ...lastError };
    const { records, bytes, oldest } = spool.size;
    const oldestMs = oldest === undefined ? 0 : Math.max(0, nowMs() - oldest);
    return { spool: { records, bytes, oldestMs, drainedPerSecond: this.drainedPerSecond }, ...lastError };
  }

  async #append(records: readonly LogRecord[]): Promise<void> {
    const { log, topic, deadlineMs, metrics, logger } = this.#options;
    const began = performance.now();
    try {
      await log.append(topic, records, { deadlineMs });
      metrics.appended(records.length, (performance.now() - began) / 1_000);
    } catch (error) {
      const outcome = error instanceof AppendError ? error.outcome : 'unknown';
      metrics.appendFailed(outcome);
      // Whoever sends them again, the device or the spool, may send what the log already has.
      if (outcome === 'unknown') this.#mayBeExtra(records.length, 'whether the log has them is not known');
      this.#lastError = { at: new Date().toISOString(), message: describeError(error) };
      logger.warn({ readings: records.length, outcome }, `the log did not confirm readings: ${describeError(error)}`);
      throw error;
    }
  }

  #keep(spool: Spool, records: readonly LogRecord[]): void {
    try {
      spool.append(records);
    } catch (cause) {
      this.#options.logger.error(`the spool takes nothing: ${describeError(cause)}`);
      throw new HttpProblem('spool-full', 'the log is away and the spool has no room; send the readings again', {
        retryAfterS: 5,
        cause,
      });
    } finally {
      this.#drain();
    }
    this.#options.metrics.spooled(records.length);
  }

  /** Starts sending what the spool holds, unless that is under way. */
  #drain(): void {
    this.#draining ??= this.#drainAll().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drainAll(): Promise<void> {
    const { spool, logger } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted && spool?.empty === false) {
      // The first attempt after a failure sends as little as it can: what of it may arrive twice is little too.
      if (await this.#next(this.#flowing ? drainBytes : 0)) {
        failures = 0;
        continue;
      }
      failures += 1;
      await sleep(backoffMs(backoff, failures), { signal: this.#stopping.signal });
    }
    if (spool?.empty) logger.info('the spool is empty again');
  }

  /** Sends the next batch; one at a time, whoever asks. */
  #next(maxBytes: number): Promise<boolean> {
    this.#step = this.#step.then(() => this.#send(maxBytes));
    return this.#step;
  }

  async #send(maxBytes: number): Promise<boolean> {
    const { spool, metrics, logger } = this.#options;
    try {
      const batch = spool?.next(maxBytes);
      if (spool === undefined || batch === undefined) return true;
      spool.sending(batch);
      await this.#append(batch.records);
      this.#forget(spool, batch);
      this.#rate.add(batch.records.length);
      metrics.drained(batch.records.length);
      this.#flowing = true;
    } catch (error) {
      if (!(error instanceof AppendError)) logger.error({ err: error }, 'the spool cannot be sent');
      this.#flowing = false;
    }
    return this.#flowing;
  }

  #forget(spool: Spool, batch: SpoolBatch): void {
    try {
      spool.remove(batch);
    } catch (error) {
      // It will be sent again.
      this.#mayBeExtra(batch.records.length, 'the spool does not let go of them');
      throw error;
    }
  }

  /** Counts, and says so: what is only counted is forgotten with the process. */
  #mayBeExtra(possibleExtras: number, why: string): void {
    if (possibleExtras === 0) return;
    this.#options.metrics.mayBeExtra(possibleExtras);
    this.#options.logger.warn({ possibleExtras }, `readings may come twice: ${why}`);
  }
}
