import type { Logger } from 'pino';
import { endsOf, follow } from '../../core/log/follow.ts';
import type { EventLog } from '../../core/log/port.ts';
import { Positions } from './positions.ts';
import { RecentPredictions } from './recent.ts';

export interface FeedOptions {
  readonly log: EventLog;
  readonly topic: string;
  readonly logger: Logger;
  /** For the newest predictions, in bytes. Default 32 MB. */
  readonly newsBytes?: number;
}

/**
 * Follows the predictions of a stream, once for all readers: committed records only, each once, in the order of each partition. It begins
 * with the first reader, so that nobody pays for it who does not use it.
 */
export class PredictionFeed {
  readonly #options: FeedOptions;
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<() => void>();
  #opening: Promise<RecentPredictions> | undefined;
  #following: Promise<void> | undefined;
  #recent: RecentPredictions | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /**
   * The newest predictions; from now on they are kept.
   * @throws {GaplineError} retryable, where the log does not answer
   */
  recent(): Promise<RecentPredictions> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** How far the topic reaches now. */
  async end(): Promise<Positions> {
    const { log, topic } = this.#options;
    const before = this.#recent?.positions.copy();
    const end = new Positions(await endsOf(log, topic));
    if (before) this.#recent?.restartBeyond(end, before);
    return end;
  }

  /** Calls the listener after each prediction. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #open(): Promise<RecentPredictions> {
    const recent = new RecentPredictions(this.#options.newsBytes ?? 32_000_000, await this.end());
    this.#recent = recent;
    this.#following ??= this.#follow(recent);
    return recent;
  }

  async #follow(recent: RecentPredictions): Promise<void> {
    const { signal } = this.#stopping;
    for await (const records of follow({ ...this.#options, read: () => recent.positions.read, signal })) {
      for (const record of records) {
        recent.add(record);
        for (const listener of this.#listeners) listener();
      }
    }
  }
}
