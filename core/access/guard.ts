import type { IncomingMessage, ServerResponse } from 'node:http';
import { explainForeignRequest, isLoopback } from '../http/origin.ts';
import { addressOf, type CreateHitCounter, createRateLimit, ownHitCounter } from '../http/rate-limit.ts';
import { GaplineError } from '../wire/errors.ts';
import { type Access, allows, type Holder, presentedToken } from './access.ts';
import type { Sessions } from './sessions.ts';
import type { Scope } from './tokens.ts';

/** Requests a minute; undefined or 0 is any number. */
export interface RateLimits {
  readonly perToken?: number;
  readonly perAddress?: number;
}

export interface GuardOptions {
  readonly access: Access;
  /** The address that the server listens on. */
  readonly host: string;
  /** For servers that browsers use. */
  readonly sessions?: Sessions;
  readonly limits?: RateLimits;
  /** How many wrong tokens a client's address may send a minute before it gets 429 for them. Default 60. */
  readonly wrongTokensPerMinute?: number;
  /** Counts the requests of each limit. Default: those of this process. */
  readonly createCounter?: CreateHitCounter;
}

/** Of a request, what tells who sends it. */
export type RequestHead = Pick<IncomingMessage, 'headers'>;

/** Makes a check for a scope. */
export type Guard = (scope: Scope) => Check;

export interface Check {
  /** Resolves with the holder of the request's token, or rejects. Without tokens there is no holder. */
  (request: IncomingMessage, response: ServerResponse): Promise<Holder | undefined>;
  /**
   * Whether the request passes with nothing to wait for; else the whole check decides. Node hands a body on without keeping it for
   * whoever listens in the same turn.
   * @throws {GaplineError} `forbidden`, for a request of another site
   */
  passesAtOnce(request: RequestHead): boolean;
}

/** Refuses a request that a page of another site makes a browser send. */
export type OriginCheck = (request: RequestHead) => void;

/**
 * The check of origin and host alone, for what needs no token.
 * @throws {GaplineError} `forbidden`, from the check
 */
export function createOriginCheck({ access, host }: Pick<GuardOptions, 'access' | 'host'>): OriginCheck {
  const loopback = isLoopback(host);
  return ({ headers }) => {
    const foreign = explainForeignRequest(headers, { loopbackOnly: loopback && access.open });
    if (foreign !== undefined) throw new GaplineError('forbidden', foreign);
  };
}

/**
 * The access check of every server: origin and host, tokens and their scopes, rate limits.
 * @throws {GaplineError} from the guard: `unauthorized` (with `WWW-Authenticate`), `forbidden`, `rate-limited` (with `Retry-After`)
 */
export function createGuard(options: GuardOptions): Guard {
  const { access, host, sessions, limits = {}, wrongTokensPerMinute = 60, createCounter = ownHitCounter } = options;
  const checkOrigin = createOriginCheck({ access, host });
  const limitBy = (name: string, limit: number | undefined, key: (request: IncomingMessage) => string) =>
    createRateLimit({ name, limit, key, createCounter });
  const byAddress = limitBy('address', limits.perAddress, addressOf);
  const wrong = limitBy('wrong token', wrongTokensPerMinute, addressOf);
  const byToken = limitBy('token', limits.perToken, (request) => holders.get(request)?.name ?? addressOf(request));
  const holders = new WeakMap<IncomingMessage, Holder>();
  /** A request that needs two scopes counts once. Without limits there is nothing to count, and weak sets of requests are dear to collect. */
  const counted = new WeakSet<IncomingMessage>();
  const isLimited = Boolean(limits.perAddress || limits.perToken);

  const check = async (scope: Scope, request: IncomingMessage, response: ServerResponse) => {
    checkOrigin(request);
    const isCounted = isLimited && counted.has(request);
    if (isLimited && !isCounted) {
      counted.add(request);
      await byAddress(request, response);
    }
    if (access.open) return undefined;
    const holder = holderOf(request, access, sessions);
    if (holder === undefined) {
      await wrong(request, response);
      response.setHeader('www-authenticate', 'Bearer realm="gapline"');
      throw new GaplineError('unauthorized', 'there is no token, or an unknown one; send Authorization: Bearer TOKEN');
    }
    if (!allows(holder, scope))
      throw new GaplineError('forbidden', `the token ${holder.name} lacks the scope ${scope}`);
    if (isLimited && !isCounted) {
      holders.set(request, holder);
      await byToken(request, response);
    }
    return holder;
  };
  const passesAtOnce = (scope: Scope, request: RequestHead): boolean => {
    checkOrigin(request);
    if (isLimited || access.open) return !isLimited;
    const holder = holderOf(request, access, sessions);
    return holder !== undefined && allows(holder, scope);
  };
  return (scope) =>
    Object.assign((request: IncomingMessage, response: ServerResponse) => check(scope, request, response), {
      passesAtOnce: (request: RequestHead) => passesAtOnce(scope, request),
    });
}

function holderOf(request: RequestHead, access: Access, sessions: Sessions | undefined): Holder | undefined {
  const token = presentedToken(request.headers);
  return token === undefined ? sessions?.holderOf(request.headers) : access.holderOf(token);
}
