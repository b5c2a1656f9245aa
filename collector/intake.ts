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
  /** Gives records that the spool kept back what it does not store. Default: nothing. */
  readonly restored?: (record: LogRecord) => LogRecord;
  readonly spool: Spool | undefined;
  /** Spools whose records come before all of this intake: until they are empty, its own wait in its spool. Default: none. */
  readonly before?: readonly Spool[];
  /** How long the log may take for one group. */
  readonly deadlineMs: number;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** Bytes that the spool sends in one batch: enough to be quick, and few enough for a request to wait for. */
const drainBytes = 1_000_000;
const backoff = { firstMs: 100, maxMs: 2_000, jitter: halfRandom };

/**
 * Makes groups of readings durable: in the log, or, while the log is unavailable, in the spool. As long as the spool holds readings, new
 * ones are appended to it, so that the readings of a device keep their order.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #stopping = new AbortController();
  #draining: Promise<void> | undefined;
  #step: Promise<boolean> = Promise.resolve(true);
  /** Whether the log took the batch that the spool sent last. */
  #flowing = false;
  readonly #rate: DrainRate;
  #lastError: Status['lastError'];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#rate = new DrainRate(options.nowMs);
  }

  /** Readings a second that the spool sends to the log. */
  get drainedPerSecond(): number {
    return this.#rate.perSecond;
  }

  start(): void {
    const { spool } = this.#options;
    if (spool === undefined) return;
    this.#mayBeExtra(spool.start().maybeSent, 'an earlier process may have sent them');
    if (!spool.empty) this.#drain();
  }

  /** Puts readings that an earlier process acknowledged behind those in the spool, also beyond its bound; the log may have them already. */
  keep(records: readonly LogRecord[]): void {
    const { spool } = this.#options;
    if (spool === undefined) throw new Error('there is no spool');
    this.#mayBeExtra(records.length, 'an earlier process may have sent them');
    this.#addToSpool(spool, records, Number.POSITIVE_INFINITY);
  }

  /** Sends no more; the readings in the spool stay for the next run. */
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
    if (spool.empty && this.#isNext) {
      try {
        return await this.#append(records);
      } catch {
        this.#addToSpool(spool, records);
      }
    } else {
      this.#addToSpool(spool, records);
      // While the log takes batches, each request sends twice as many bytes as it adds, so the spool shrinks at any rate of requests.
      const bytes = records.reduce((sum, { value }) => sum + value.byteLength, 0);
      for (let turn = 0; turn < 2 && this.#flowing && !spool.empty; turn += 1)
        await this.#sendNext(Math.max(drainBytes, bytes));
    }
  }

  get #isNext(): boolean {
    return this.#options.before?.every(({ empty }) => empty) ?? true;
  }

  /** The last error of the log. */
  get lastError(): Status['lastError'] {
    return this.#lastError;
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
      // The device or the spool sends them again, although the log may have them.
      if (outcome === 'unknown') this.#mayBeExtra(records.length, 'it is not known whether the log has them');
      this.#lastError = { at: new Date().toISOString(), message: describeError(error) };
      logger.warn({ readings: records.length, outcome }, `the log did not confirm readings: ${describeError(error)}`);
      throw error;
    }
  }

  #addToSpool(spool: Spool, records: readonly LogRecord[], maxBytes?: number): void {
    try {
      spool.append(records, maxBytes);
    } catch (cause) {
      this.#options.logger.error(`the spool cannot take readings: ${describeError(cause)}`);
      throw new HttpProblem('spool-full', 'the log is unavailable and the spool is full; send the readings again', {
        retryAfterS: 5,
        cause,
      });
    } finally {
      this.#drain();
    }
    this.#options.metrics.spooled(records.length);
  }

  /** Starts to send the readings in the spool, unless that is already running. */
  #drain(): void {
    this.#draining ??= this.#drainAll().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drainAll(): Promise<void> {
    const { spool, logger } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted && spool?.empty === false) {
      // The first attempt after a failure sends as little as possible, because these readings may arrive twice.
      if (await this.#sendNext(this.#flowing ? drainBytes : 0)) {
        failures = 0;
        continue;
      }
      failures += 1;
      await sleep(backoffMs(backoff, failures), { signal: this.#stopping.signal });
    }
    if (spool?.empty) logger.info('the spool is empty again');
  }

  /** Sends the next batch, after those that were asked for before. */
  #sendNext(maxBytes: number): Promise<boolean> {
    this.#step = this.#step.then(() => this.#send(maxBytes));
    return this.#step;
  }

  async #send(maxBytes: number): Promise<boolean> {
    const { spool, metrics, logger } = this.#options;
    if (!this.#isNext) return false;
    try {
      const batch = spool?.next(maxBytes);
      if (spool === undefined || batch === undefined) return true;
      spool.sending(batch);
      const { restored } = this.#options;
      await this.#append(restored ? batch.records.map(restored) : batch.records);
      this.#remove(spool, batch);
      this.#rate.add(batch.records.length);
      metrics.drained(batch.records.length);
      this.#flowing = true;
    } catch (error) {
      if (!(error instanceof AppendError)) logger.error({ err: error }, 'the spool cannot be sent');
      this.#flowing = false;
    }
    return this.#flowing;
  }

  #remove(spool: Spool, batch: SpoolBatch): void {
    try {
      spool.remove(batch);
    } catch (error) {
      // It stays in the spool and will be sent again.
      this.#mayBeExtra(batch.records.length, 'they could not be removed from the spool');
      throw error;
    }
  }

  /** Counts readings that may come twice, and logs them, because the count ends with the process. */
  #mayBeExtra(possibleExtras: number, why: string): void {
    if (possibleExtras === 0) return;
    this.#options.metrics.mayBeExtra(possibleExtras);
    this.#options.logger.warn({ possibleExtras }, `readings may come twice: ${why}`);
  }
}
