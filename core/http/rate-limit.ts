import type { IncomingMessage, ServerResponse } from 'node:http';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { GaplineError } from '../wire/errors.ts';

const windowMs = 60_000;

/** Counts a request; rejects beyond the limit, with `Retry-After` set. */
export type RateLimit = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Allows so many requests of one key a minute; undefined or 0 is any number.
 * @throws {GaplineError} from the rate: `rate-limited`
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

/** An IPv6 address counts with its /56: one customer has many. */
export function addressOf(request: IncomingMessage): string {
  return ipKeyGenerator(request.socket.remoteAddress ?? 'unknown');
}
