import { describeError, GaplineError } from '../wire/errors.ts';

/** What a failed write means. */
export type Verdict =
  /** Some of the points, or their number, are at fault: halving finds out which. */
  | { readonly about: 'points'; readonly reason: string }
  /** None of the points is at fault. `waitMs` is how long the server asks to be left alone. */
  | { readonly about: 'server'; readonly error: GaplineError; readonly waitMs: number };

export interface Address {
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
}

/** The parts of the official client's `HttpError` that are used here. */
interface HttpFailure {
  readonly statusCode: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

function isHttpFailure(error: unknown): error is HttpFailure {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

/**
 * Judges a failed request, as InfluxDB 2.7.12 answers:
 * 422 partial write (a type conflict, a time outside the retention): the rest is written; 400 `unable to parse`: nothing is; 413 from a
 * proxy: too many at once. These are about points. All other failures are not, so no point is given up and the same call may succeed later:
 * after 401, 403, 404 and unknown failures once a person has corrected the cause, after 429, 5xx and broken connections by itself.
 */
export function judge(error: unknown, address: Address, nowMs: number): Verdict {
  const { url, org, bucket } = address;
  if (!isHttpFailure(error)) {
    return { about: 'server', waitMs: 0, error: unavailable(`InfluxDB at ${url} does not answer`, error) };
  }
  const { statusCode } = error;
  const message = brief(error.message);
  const waitMs = retryAfterMs(error, nowMs);
  const refused = (detail: string): Verdict => ({
    about: 'server',
    waitMs,
    error: new GaplineError('store-refused', `InfluxDB at ${url} ${detail}`, { cause: error, retryable: true }),
  });
  if (statusCode === 422) return { about: 'points', reason: message };
  if (statusCode === 400 && /unable to parse|partial write/.test(message)) return { about: 'points', reason: message };
  if (statusCode === 413) return { about: 'points', reason: `InfluxDB takes no request of that size: ${message}` };
  if (statusCode === 401) return refused('does not know the token');
  if (statusCode === 403) return refused(`does not let the token write to and read from bucket "${bucket}"`);
  if (statusCode === 404)
    return refused(`has no bucket "${bucket}" in an organisation "${org}" that the token may see`);
  if (statusCode === 429) {
    const wait = waitMs > 0 ? `for ${Math.ceil(waitMs / 1_000)} s` : 'for a while';
    return { about: 'server', waitMs, error: unavailable(`InfluxDB at ${url} asks to be left alone ${wait}`, error) };
  }
  if (statusCode >= 500 || statusCode === 408 || statusCode === 425) {
    return { about: 'server', waitMs, error: unavailable(`InfluxDB at ${url} answers ${statusCode}`, error) };
  }
  return refused(`answers ${statusCode}, which Gapline does not expect`);
}

function unavailable(detail: string, cause: unknown): GaplineError {
  return new GaplineError('store-unavailable', `${detail}: ${describeError(cause)}`, { cause, retryable: true });
}

/** A longer `Retry-After` is shortened to this: a clock or a unit is wrong. */
const longestWaitMs = 300_000;

/** `Retry-After` in milliseconds: RFC 9110 has seconds or a date there. (The client's own `retryAfter()` takes seconds for milliseconds.) */
function retryAfterMs({ headers }: HttpFailure, nowMs: number): number {
  const value = headers?.['retry-after'];
  if (typeof value !== 'string') return 0;
  const wishMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(wishMs) ? Math.min(Math.max(wishMs, 0), longestWaitMs) : 0;
}

/** A refused line may be as long as the request. */
function brief(message: string): string {
  return message.length <= 600 ? message : `${message.slice(0, 300)} … ${message.slice(-300)}`;
}
