import { HttpProblem } from '../core/http/problem.ts';
import type { LogRecord } from '../core/log/port.ts';

/** Makes a group of records durable, or throws. */
export type Commit = (records: readonly LogRecord[]) => Promise<void>;

/** Called once the records of a request are durable, or with the reason why they are not. */
export type Settle = (error?: unknown) => void;

/** Who waits for a request's answer: its connection. */
export interface Sender {
  readonly destroyed: boolean;
}

interface Waiting {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly sinceMs: number;
  readonly settle: Settle;
  readonly sender: Sender | undefined;
}

export interface GroupCommitOptions {
  readonly commit: Commit;
  /** The size of a group; the records of one request are never split, so one request may be larger. */
  readonly maxGroupBytes: number;
  /** Called for each request with the size of its records and how long they waited until they were durable. */
  readonly waited?: (bytes: number, ms: number) => void;
  /** Called with what `settle` of a request threw. */
  readonly unsettled?: (error: unknown) => void;
  /** A clock for that. Default `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * Group commit: requests that arrive while one group is being made durable share the next one. There is one group at a time, so records of
 * a device keep their order, and a slow log makes groups larger and not more.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #nowMs: () => number;
  #bytes = 0;
  #requests = 0;
  #waiting: Waiting[] = [];
  /** What is being made durable. */
  #group: readonly Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  /** Requests that were in progress when the last group was durable: their senders probably send again at once. */
  #expected = 0;
  #lingerMs = 0;
  #endLinger: (() => void) | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Bytes that wait or are being made durable. Callers check them before they add. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Requests whose records wait or are being made durable. */
  get waitingRequests(): number {
    return this.#requests;
  }

  /**
   * Whether fewer senders than that wait for an answer. One that gave up, and closed its connection, is no longer one; it probably sends
   * the same again.
   */
  hasFewerSendersThan(count: number): boolean {
    if (count <= 0 || this.#requests < count) return count > 0;
    let open = 0;
    for (const waiting of [this.#group, this.#waiting])
      for (const { sender } of waiting) if (sender?.destroyed !== true && ++open >= count) return false;
    return true;
  }

  /** Makes records durable with a group to come, and then calls `settle`; a request needs no promise for it. */
  enqueue(records: readonly LogRecord[], settle: Settle, sender?: Sender): void {
    if (this.#closed) {
      settle(new HttpProblem('log-unavailable', 'the collector is stopping', { retryAfterS: 1 }));
      return;
    }
    let bytes = 0;
    for (const record of records) bytes += record.value.byteLength + recordOverheadBytes;
    this.#bytes += bytes;
    this.#requests += 1;
    this.#waiting.push({ records, bytes, sinceMs: this.#nowMs(), settle, sender });
    if (this.#isComplete) this.#endLinger?.();
    this.#running ??= this.#run();
  }

  /**
   * Resolves once the records are durable.
   * @throws whatever the commit throws
   */
  add(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.enqueue(records, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Takes nothing new, and resolves when all waiting records are durable or have failed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Requests that are read in the same turn of the event loop join the group.
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.#isComplete) await this.#linger();
      const group = this.#nextGroup();
      this.#group = group;
      const beganMs = this.#nowMs();
      const failure = await this.#commit(group);
      const nowMs = this.#nowMs();
      this.#expected = this.#requests;
      this.#lingerMs = Math.min(longestLingerMs, nowMs - beganMs);
      this.#requests -= group.length;
      this.#group = [];
      for (const { bytes, sinceMs, settle } of group) {
        this.#bytes -= bytes;
        this.#settle(settle, failure);
        if (failure === undefined) this.#options.waited?.(bytes, nowMs - sinceMs);
      }
    }
    this.#running = undefined;
  }

  /** One request that cannot be answered must not keep the others from their answers, nor end the loop. */
  #settle(settle: Settle, failure: unknown): void {
    try {
      settle(failure);
    } catch (error) {
      this.#options.unsettled?.(error);
    }
  }

  /** Whether it is not worth waiting for more requests. */
  get #isComplete(): boolean {
    return (
      this.#lingerMs < shortestLingerMs ||
      this.#requests >= this.#expected ||
      this.#bytes >= this.#options.maxGroupBytes
    );
  }

  /**
   * Waits for the senders of the last group, at most as long as it took. Otherwise senders part into two halves that wait for each
   * other, and the log gets twice as many requests, each half as large.
   */
  #linger(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endLinger?.(), this.#lingerMs);
      this.#endLinger = () => {
        clearTimeout(timer);
        this.#endLinger = undefined;
        resolve();
      };
    });
  }

  /** Why the group was not made durable; undefined if it was. */
  async #commit(group: readonly Waiting[]): Promise<unknown> {
    try {
      await this.#options.commit(recordsOf(group));
      return undefined;
    } catch (error) {
      return error ?? new Error('the records were not made durable');
    }
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > this.#options.maxGroupBytes) break;
      bytes += waiting.bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

function recordsOf(group: readonly Waiting[]): readonly LogRecord[] {
  const [only, ...others] = group;
  return only !== undefined && others.length === 0 ? only.records : group.flatMap(({ records }) => records);
}

/** The memory that a record needs in addition to its value. */
const recordOverheadBytes = 200;

/** A group waits for companions as long as the last group took, and not longer than this. */
const longestLingerMs = 5;
/** Where a group takes less than this it does not wait. A timer waits for a millisecond at least, but mostly the last sender ends the wait. */
const shortestLingerMs = 0.1;
