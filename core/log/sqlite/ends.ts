import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from '../../files/transaction.ts';
import { Condition } from '../condition.ts';

/** How often the file is checked for writes of other processes. A check takes about 5 µs. */
const pollMs = 50;

/**
 * Where each partition ends, by its id, and a condition to wait for more. An append in this process wakes those who wait at once; one of
 * another process is noticed by SQLite's `data_version`.
 */
export class Ends {
  readonly #byId = new Map<bigint, bigint>();
  readonly #changed = new Condition();
  readonly #version: StatementSync;
  readonly #all: StatementSync;
  readonly #refresh: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #db: DatabaseSync;
  #seen: unknown;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param refresh - called when another process wrote, at the same moment of the file
   * @param failed - called for a file that can no longer be read
   */
  constructor(db: DatabaseSync, refresh: () => void, failed: (error: unknown) => void) {
    this.#db = db;
    this.#refresh = refresh;
    this.#version = db.prepare('PRAGMA data_version');
    this.#all = db.prepare('SELECT id, next FROM log_partitions');
    this.#failed = failed;
  }

  start(): void {
    this.#poll();
    this.#timer = setInterval(() => {
      try {
        this.#poll();
      } catch (error) {
        this.#failed(error);
      }
    }, pollMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  of(partitionId: bigint): bigint {
    return this.#byId.get(partitionId) ?? 0n;
  }

  /** Applies what was committed in this process. */
  moved(ends: Iterable<readonly [partitionId: bigint, next: bigint]>): void {
    for (const [id, next] of ends) this.#byId.set(id, next);
    this.#changed.notifyAll();
  }

  /** Resolves once `ready` returns true, which is checked at once and after each change, or when the signal aborts. */
  wait(signal: AbortSignal, ready: () => boolean): Promise<void> {
    return this.#changed.wait(signal, ready);
  }

  #poll(): void {
    const version = this.#version.get()?.data_version;
    if (version === this.#seen) return;
    this.#seen = version;
    this.refresh();
  }

  /** Learns what the file has. */
  refresh(): void {
    const all = inTransaction(
      this.#db,
      () => {
        this.#refresh();
        return this.#all.all();
      },
      'BEGIN',
    );
    this.moved(all.map(({ id, next }) => [id as bigint, next as bigint] as const));
  }
}
