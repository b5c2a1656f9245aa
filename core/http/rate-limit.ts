import type { IncomingMessage, ServerResponse } from 'node:http';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { GaplineError } from '../wire/errors.ts';

const windowMs = 60_000;

/** Counts a request. Rejects with `rate-limited` beyond the limit, after it has set `Retry-After`. */
export type RateLimit = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Limits the requests of one key.
 * @param limit requests a minute; undefined or 0 is any number
 */
export function createRateLimit(limit: number | undefined, key: (request: IncomingMessage) => string): RateLimit {
  if (!limit) return () => Promise.resolve();
  const store = new MemoryStore();
  store.init({ windowMs } as Options);
  return async (request, response) => {
    const { totalHits, resetTime } = await store.increment(key(request));
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
