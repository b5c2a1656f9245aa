import type { IncomingMessage, ServerResponse } from 'node:http';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { GaplineError } from '../wire/errors.ts';

export const windowMs = 60_000;

/** Counts a request. Rejects with `rate-limited` beyond the limit, after it has set `Retry-After`. */
export type RateLimit = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The requests of one key in its window of a minute. */
export interface Hits {
  readonly totalHits: number;
  /** When the window ends. */
  readonly resetTime: Date | undefined;
}

/** Counts requests by key. */
export interface HitCounter {
  increment(key: string): Hits | Promise<Hits>;
}

/** Makes the counter of a limit. Processes that share a port share their counts, by the limit's name. */
export type CreateHitCounter = (limitName: string) => HitCounter;

/** A counter of this process alone. */
export const ownHitCounter: CreateHitCounter = () => {
  const store = new MemoryStore();
  store.init({ windowMs } as Options);
  return store;
};

export interface RateLimitOptions {
  readonly name: string;
  /** Requests a minute; undefined or 0 is any number. */
  readonly limit: number | undefined;
  readonly key: (request: IncomingMessage) => string;
  readonly createCounter: CreateHitCounter;
}

/** Limits the requests of one key. */
export function createRateLimit({ name, limit, key, createCounter }: RateLimitOptions): RateLimit {
  if (!limit) return () => Promise.resolve();
  const counter = createCounter(name);
  return async (request, response) => {
    const { totalHits, resetTime } = await counter.increment(key(request));
    if (totalHits <= limit) return;
    const waitMs = (resetTime?.getTime() ?? Date.now() + windowMs) - Date.now();
    response.setHeader('retry-after', Math.max(1, Math.ceil(waitMs / 1_000)));
    throw new GaplineError('rate-limited', `more than ${limit} requests a minute`, { retryable: true });
  };
}

/** The key of a client's address. IPv6 addresses share one key for each /56 network, because one customer has a whole network. */
export function addressOf(request: IncomingMessage): string {
  return ipKeyGenerator(request.socket.remoteAddress ?? 'unknown');
}
