import type { Logger } from 'pino';
import type { LogRecord } from '../../core/log/port.ts';
import { backoffMs, halfRandom } from '../../core/retry/backoff.ts';
import { sleep } from '../../core/retry/sleep.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Commit } from '../group-commit.ts';
import { encodedSize } from '../spool/chunk.ts';
import type { Journal } from './journal.ts';

export interface JournaledCommitOptions {
  readonly journal: Journal;
  /** Where records go from the journal. */
  readonly commit: Commit;
  /** Called with the number of records that are acknowledged before they have gone there. */
  readonly journaled: (records: number) => void;
  readonly logger: Logger;
}

/** A larger group is a good batch for the log by itself, and would only be written twice. */
const mostGroupBytes = 256 << 10;
/** What may wait to be sent on. */
const mostWaitingBytes = 4 << 20;
/** What is sent on at once: what came in so long, and no more than this. */
const gatherMs = 20;
const mostBytes = 1 << 20;
const backoff = { firstMs: 100, maxMs: 2_000, jitter: halfRandom };

/**
 * Makes small groups durable by a journal, which is quicker than the log, and sends them on in larger ones. Records keep their order.
 */
export class JournaledCommit {
  readonly #options: JournaledCommitOptions;
  readonly #stopping = new AbortController();
  #waiting: LogRecord[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;
  /** Why what waits cannot be sent on. */
  #failure: unknown;
  #changed = Promise.withResolvers<void>();

  constructor(options: JournaledCommitOptions) {
    this.#options = options;
  }

  /** Records that the journal has and that have not been sent on. */
  get waiting(): number {
    return this.#options.journal.waiting;
  }

  /**
   * Resolves once the records are durable. One call at a time.
   * @throws whatever the commit behind the journal throws, while that takes nothing
   */
  async commit(records: readonly LogRecord[]): Promise<void> {
    const { journal, commit, journaled, logger } = this.#options;
    const bytes = encodedSize(records);
    if (bytes > mostGroupBytes) {
      await this.#until(() => this.#waiting.length === 0 && this.#sending === undefined);
      return commit(records);
    }
    await this.#until(() => this.#bytes + bytes <= mostWaitingBytes);
    let durable = true;
    try {
      await journal.write(records);
    } catch (error) {
      logger.error(`readings are acknowledged when the log has them: ${describeError(error)}`);
      durable = false;
    }
    for (const record of records) this.#waiting.push(record);
    this.#bytes += bytes;
    this.#send();
    if (!durable) return this.#until(() => this.#bytes === 0);
    journaled(records.length);
  }

  /** Sends on what waits. What cannot be sent stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sending;
  }

  /** @throws the failure of what is sent, while there is one */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      this.#change();
    });
  }

  async #sendAll(): Promise<void> {
    for (let nextMs = 0; this.#waiting.length > 0; ) {
      await sleep(Math.max(0, nextMs - performance.now()), { signal: this.#stopping.signal });
      nextMs = performance.now() + gatherMs;
      const batch = this.#next();
      if (!(await this.#sendOn(batch))) return;
      this.#waiting.splice(0, batch.length);
      this.#bytes -= encodedSize(batch);
      this.#options.journal.confirm(batch.length);
      this.#change();
    }
  }

  #next(): LogRecord[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((record, index) => {
      bytes += encodedSize([record]);
      return index > 0 && bytes > mostBytes;
    });
    return this.#waiting.slice(0, end === -1 ? undefined : end);
  }

  /** Whether the records were sent; false where this stops before they could be. */
  async #sendOn(batch: readonly LogRecord[]): Promise<boolean> {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#options.commit(batch);
        this.#failure = undefined;
        return true;
      } catch (error) {
        this.#failure = error;
        this.#change();
        if (this.#stopping.signal.aborted) return false;
        await sleep(backoffMs(backoff, failures), { signal: this.#stopping.signal });
      }
    }
  }
}
