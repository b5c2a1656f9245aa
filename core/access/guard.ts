import type { IncomingMessage, ServerResponse } from 'node:http';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { GaplineError } from '../wire/errors.ts';
import { type Access, allows, type Holder, presentedToken } from './access.ts';
import type { Sessions } from './sessions.ts';
import { foreignPage, isLoopback } from './surroundings.ts';
import type { Scope } from './tokens.ts';

/** Requests a minute; undefined or 0 is any number. */
export interface RateLimits {
  readonly perToken?: number;
  readonly perAddress?: number;
}

export interface GuardOptions {
  readonly access: Access;
  /** The address that the door listens on. */
  readonly host: string;
  /** Where browsers come too. */
  readonly sessions?: Sessions;
  readonly limits?: RateLimits;
  /** How many wrong tokens an address may present a minute before it gets 429 for them. Default 60. */
  readonly wrongTokensPerMinute?: number;
}

/** Lets a request pass, or throws. */
export type Guard = (
  scope: Scope,
) => (request: IncomingMessage, response: ServerResponse) => Promise<Holder | undefined>;

const windowMs = 60_000;

/**
 * The one door for all doors: pages of other sites, tokens and their scopes, rates.
 * @throws {GaplineError} from the guard: `unauthorized` (with `WWW-Authenticate`), `forbidden`, `rate-limited` (with `Retry-After`)
 */
export function createGuard(options: GuardOptions): Guard {
  const { access, host, sessions, limits = {}, wrongTokensPerMinute = 60 } = options;
  const loopback = isLoopback(host);
  const byAddress = counter(limits.perAddress, (request) => addressOf(request));
  const wrong = counter(wrongTokensPerMinute, (request) => addressOf(request));
  const byToken = counter(limits.perToken, (request) => holders.get(request)?.name ?? addressOf(request));
  const holders = new WeakMap<IncomingMessage, Holder>();

  return (scope) => async (request, response) => {
    const foreign = foreignPage(request.headers, { loopbackOnly: loopback && access.open });
    if (foreign !== undefined) throw new GaplineError('forbidden', foreign);
    await byAddress(request, response);
    if (access.open) return undefined;
    const holder = holderOf(request, access, sessions);
    if (holder === undefined) {
      await wrong(request, response);
      response.setHeader('www-authenticate', 'Bearer realm="gapline"');
      throw new GaplineError('unauthorized', 'there is no token, or an unknown one; send Authorization: Bearer TOKEN');
    }
    if (!allows(holder, scope))
      throw new GaplineError('forbidden', `the token ${holder.name} has not the scope ${scope}`);
    holders.set(request, holder);
    await byToken(request, response);
    return holder;
  };
}

function holderOf(request: IncomingMessage, access: Access, sessions: Sessions | undefined): Holder | undefined {
  const token = presentedToken(request.headers);
  return token === undefined ? sessions?.holderOf(request.headers) : access.holderOf(token);
}

type Count = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Counts requests of one key in a window; throws beyond the limit. */
function counter(limit: number | undefined, key: (request: IncomingMessage) => string): Count {
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
function addressOf(request: IncomingMessage): string {
  return ipKeyGenerator(request.socket.remoteAddress ?? 'unknown');
}
