import { type LookupAddress, lookup } from 'node:dns';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { GaplineError } from '../../core/wire/errors.ts';
import { isPublic } from './addresses.ts';

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly allowPrivate: boolean;
  /** From the first look-up to the end of the response. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** All addresses of a name. Default: the system's. */
  readonly resolve?: Resolve;
}

/** What is of interest of a response. */
export interface Posted {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
}

type Resolve = (hostname: string, done: (error: Error | null, found: readonly LookupAddress[]) => void) => void;

const resolveBySystem: Resolve = (hostname, done) => lookup(hostname, { all: true }, done);

export const privateAddress = (host: string): GaplineError =>
  new GaplineError('webhook-refused', `${host} is a private or special address; allowPrivate permits it`, {
    retryable: true,
  });

/** `[::1]` of an address without its brackets. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Whether the address itself, not a name to be looked up, is refused. */
export function isRefusedLiteral(url: URL, allowPrivate: boolean): boolean {
  const host = hostOf(url);
  return !allowPrivate && isIP(host) !== 0 && !isPublic(host);
}

/** Looks a name up and keeps only public addresses: the connection is made to one of these, so that no second answer can rebind the name. */
const publicOnly =
  (resolve: Resolve): LookupFunction =>
  (hostname, { all }, callback) => {
    resolve(hostname, (error, found) => {
      if (error) return callback(error, [], 0);
      const allowed = found.filter(({ address }) => isPublic(address));
      const [first] = allowed;
      if (!first) return callback(privateAddress(hostname), [], 0);
      return all ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };

/**
 * POSTs once; redirects are not followed, and the body of the response is not read.
 * @throws {GaplineError} `webhook-refused` for an address that is not allowed; whatever the network reports
 */
export async function post(options: PostOptions): Promise<Posted> {
  const { url, headers, body, allowPrivate, timeoutMs, resolve = resolveBySystem } = options;
  if (isRefusedLiteral(url, allowPrivate)) throw privateAddress(url.hostname);
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const send = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((done, reject) => {
    const request = send(
      url,
      {
        ...{ method: 'POST', headers: { ...headers, 'content-length': body.length }, signal, agent: false },
        ...(!allowPrivate && { lookup: publicOnly(resolve) }),
      },
      (response) => {
        const { statusCode = 0 } = response;
        // What it says is read by nobody; a response without end must not keep the connection.
        response.destroy();
        done({ status: statusCode, retryAfter: response.headers['retry-after'] });
      },
    );
    request.on('error', (error) => reject(timeout.aborted ? tooSlow(timeoutMs, error) : error));
    request.end(body);
  });
}

const tooSlow = (timeoutMs: number, cause: unknown): GaplineError =>
  new GaplineError('webhook-refused', `no response within ${timeoutMs / 1_000} s`, { cause, retryable: true });
