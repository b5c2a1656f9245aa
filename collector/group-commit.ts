import { HttpProblem } from '../core/http/problem.ts';
import type { LogRecord } from '../core/log/port.ts';

/** Makes a group of records durable, or throws. */
export type Commit = (records: readonly LogRecord[]) => Promise<void>;

interface Waiting {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions {
  readonly commit: Commit;
  /** A group is closed once it holds so much; one request's records are never split. */
  readonly maxGroupBytes: number;
  /** Told of each request's records how large they were and how long they waited until they were durable. */
  readonly waited?: (bytes: number, ms: number) => void;
}

/**
 * Lets requests that arrive while a group is under way share the next one. One group at a time: so records of a device keep the
 * order in which they came, and a slow log makes groups larger instead of more.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #bytes = 0;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** What waits, or is being made durable. Whoever adds looks first whether that is not too much already. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves once the records are durable.
   * @throws whatever the commit throws
   */
  add(records: readonly LogRecord[]): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new HttpProblem('log-unavailable', 'the collector is stopping', { retryAfterS: 1 }));
    }
    let bytes = 0;
    for (const record of records) bytes += record.value.byteLength + recordOverheadBytes;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, bytes, sinceMs: performance.now(), resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Takes nothing new and resolves when everything under way is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The requests that this turn of the event loop still reads join the group.
      await new Promise((resolve) => setImmediate(resolve));
      const group = this.#nextGroup();
      try {
        await this.#options.commit(group.length === 1 ? group[0]!.records : group.flatMap(({ records }) => records));
        const nowMs = performance.now();
        for (const { bytes, sinceMs, resolve } of group) {
          resolve();
          this.#options.waited?.(bytes, nowMs - sinceMs);
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      } finally {
        for (const { bytes } of group) this.#bytes -= bytes;
      }
    }
    this.#running = undefined;
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

/** What a record costs in memory beside its value. */
const recordOverheadBytes = 200;
