import type { Logger } from 'pino';
import type { LogRecord } from '../../core/log/port.ts';
import { backoffMs, halfRandom } from '../../core/retry/backoff.ts';
import { sleep } from '../../core/retry/sleep.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Commit } from '../group-commit.ts';
import { frameSize } from './frame.ts';
import type { Journal } from './journal.ts';

export interface JournaledCommitOptions {
  readonly journal: Journal;
  /** Where records go from the journal. */
  readonly commit: Commit;
  /** Whether there is a place for what the log does not take; where not, the journal takes nothing new. */
  readonly hasSpace: () => boolean;
  /** Called with the number of records that are acknowledged before they have gone there. */
  readonly journaled: (records: number) => void;
  readonly logger: Logger;
}

/** A larger group is a good batch for the log by itself, and would only be written twice. */
const mostGroupBytes = 256 << 10;
/** What may wait to be sent on, as the journal holds it: it fits into one of its halves. */
const mostWaitingBytes = 4 << 20;
/** What is sent on at once: what came in so long, and no more than this. */
const gatherMs = 20;
const mostBytes = 1 << 20;
const backoff = { firstMs: 100, maxMs: 2_000, jitter: halfRandom };
/** How long a stop sends on; the rest stays in the journal. */
const stopMs = 3_000;

interface Group {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
}

/**
 * Makes small groups durable by a journal, which is quicker than the log, and sends them on in larger ones. Records keep their order.
 */
export class JournaledCommit {
  readonly #options: JournaledCommitOptions;
  readonly #stopping = new AbortController();
  #stopByMs = Number.POSITIVE_INFINITY;
  #waiting: Group[] = [];
  #bytes = 0;
  #sending: Promise<void> | undefined;
  /** Why what waits cannot be sent on. */
  #failure: unknown;
  /** Whether the last write failed. */
  #unusable = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: JournaledCommitOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the records are durable. One call at a time.
   * @throws whatever the commit behind the journal throws, while that takes nothing
   */
  async commit(records: readonly LogRecord[]): Promise<void> {
    const bytes = frameSize(records);
    if (bytes > mostGroupBytes || !this.#options.hasSpace()) return this.#commitBehind(records);
    await this.#until(() => this.#bytes + bytes <= mostWaitingBytes);
    if (await this.#write(records)) {
      this.#waiting.push({ records, bytes });
      this.#bytes += bytes;
      this.#send();
      this.#options.journaled(records.length);
      return;
    }
    try {
      await this.#commitBehind(records);
    } finally {
      // Whether they are anywhere is for the sender to know.
      this.#options.journal.confirm(records.length);
    }
  }

  /** Sends on what waits, for some seconds. What cannot be sent stays in the journal. */
  async stop(): Promise<void> {
    this.#stopByMs = performance.now() + stopMs;
    this.#stopping.abort();
    // The timer must not keep a process that is done.
    await Promise.race([this.#sending, sleep(stopMs, { ref: false })]);
  }

  /** Without the journal, when all that came before is there. */
  async #commitBehind(records: readonly LogRecord[]): Promise<void> {
    await this.#until(() => this.#waiting.length === 0);
    await this.#options.commit(records);
  }

  /** Whether the journal has the records. */
  async #write(records: readonly LogRecord[]): Promise<boolean> {
    const { journal, logger } = this.#options;
    try {
      await journal.write(records);
      if (this.#unusable) logger.info('the journal can be written again');
      this.#unusable = false;
      return true;
    } catch (error) {
      if (!this.#unusable) logger.error(`readings are acknowledged when the log has them: ${describeError(error)}`);
      this.#unusable = true;
      return false;
    }
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
      const groups = this.#next();
      const records = groups.flatMap((group) => group.records);
      if (performance.now() > this.#stopByMs || !(await this.#sendOn(records))) return;
      this.#waiting.splice(0, groups.length);
      this.#bytes -= groups.reduce((sum, { bytes }) => sum + bytes, 0);
      this.#options.journal.confirm(records.length);
      this.#change();
    }
  }

  #next(): Group[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((group, index) => {
      bytes += group.bytes;
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
