import type { AwsClient } from 'aws4fetch';
import { backoffMs, halfRandom } from '../retry/backoff.ts';
import { retryAfterMs } from '../retry/retry-after.ts';
import { sleep } from '../retry/sleep.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { excerptOf, readBody } from '../wire/response-body.ts';
import { textOf } from './s3-xml.ts';

export interface S3Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of credentials that expire. */
  readonly sessionToken?: string;
}

export interface S3Address {
  /** `http://HOST:PORT`; the bucket stands in the path. Undefined: Amazon's own, in the region. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly login: S3Login;
}

/** One request. */
export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Without one, the bucket itself is asked. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly mostBytes: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface S3Timing {
  /** Attempts of one request. Default 5. */
  readonly attempts?: number;
  /** How long one attempt may take; of an object three times that, and a second more for each megabyte that is sent. Default 20 s. */
  readonly attemptMs?: number;
  /** The delay after the first attempt; it doubles up to 5 s. Default 200 ms. */
  readonly firstDelayMs?: number;
}

const mostDelayMs = 5_000;

/** Statuses with which a server says that it may work later. */
const later = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Makes a function that sends signed requests, each several times where the storage fails. All requests here may be repeated. */
export function createRequests(address: S3Address, timing: S3Timing = {}): (call: S3Call) => Promise<S3Answer> {
  const { attempts = 5, attemptMs = 20_000, firstDelayMs = 200 } = timing;
  const base = baseOf(address);
  let client: AwsClient | undefined;

  async function attempt(url: string, { method, key, headers, body, mostBytes }: S3Call): Promise<S3Answer> {
    const { AwsClient } = await import('aws4fetch');
    client ??= new AwsClient({ ...address.login, region: address.region, service: 's3', retries: 0 });
    const withinMs = attemptMs * (key === undefined ? 1 : 3) + Math.ceil((body?.length ?? 0) / 1_000);
    const init = { method, headers: { ...headers }, ...(body && { body: Buffer.from(body) }) };
    const response = await fetch(await client.sign(url, init), {
      signal: AbortSignal.timeout(withinMs),
      redirect: 'manual',
    });
    return { status: response.status, headers: response.headers, body: await readBody(response, mostBytes) };
  }

  return async (call) => {
    const url = urlOf(base, call);
    for (let number = 1; ; number += 1) {
      const answer = await attempt(url, call).catch((error: unknown) => unreachable(base, error));
      const failure = answer instanceof GaplineError ? answer : failureOf(address, base, call, answer);
      if (failure === undefined) return answer as S3Answer;
      if (!failure.retryable || number >= attempts) throw failure;
      const asked = answer instanceof GaplineError ? undefined : answer.headers.get('retry-after');
      const waitMs = backoffMs({ firstMs: firstDelayMs, maxMs: mostDelayMs, jitter: halfRandom }, number);
      await sleep(Math.max(waitMs, Math.min(mostDelayMs, retryAfterMs(asked ?? undefined, Date.now()))));
    }
  };
}

function baseOf({ endpoint, region, bucket }: S3Address): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${bucket}`;
  // A certificate of Amazon covers one name before the region.
  if (bucket.includes('.')) return `https://s3.${region}.amazonaws.com/${bucket}`;
  return `https://${bucket}.s3.${region}.amazonaws.com`;
}

function urlOf(base: string, { key, query = {} }: S3Call): string {
  const path = key === undefined ? '/' : `/${key.split('/').map(encode).join('/')}`;
  // The signer forms its query in the same way; URLSearchParams would write a space as a plus.
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return base + path + (pairs.length === 0 ? '' : `?${pairs.join('&')}`);
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const unreachable = (base: string, cause: unknown): GaplineError =>
  new GaplineError('storage-unavailable', `the object storage at ${base} does not respond: ${describeError(cause)}`, {
    cause,
    retryable: true,
  });

/** Why an answer is none; undefined where it is one, or says that there is no such object. */
function failureOf(address: S3Address, base: string, call: S3Call, answer: S3Answer): GaplineError | undefined {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return undefined;
  const text = new TextDecoder().decode(body.subarray(0, 10_000));
  const code = textOf(text, 'Code');
  // A response to HEAD has no body, so no code.
  if (status === 404 && (call.method === 'HEAD' || code === 'NoSuchKey' || code === 'NoSuchVersion')) return undefined;
  const why = code === undefined ? excerptOf(text) : `${code}: ${textOf(text, 'Message') ?? ''}`;
  const what = `the object storage at ${base} refuses ${call.method}${call.key === undefined ? '' : ` ${call.key}`}`;
  const detail = `${what} with ${status}${why === '' ? '' : ` (${why.trim()})`}`;
  if (later.has(status) || code === 'RequestTimeout' || code === 'SlowDown')
    return new GaplineError('storage-unavailable', detail, { retryable: true });
  return new GaplineError('storage-refused', `${detail}${remedyFor(address, status, code)}`, { retryable: false });
}

function remedyFor({ bucket, region }: S3Address, status: number, code: string | undefined): string {
  if (code === 'NoSuchBucket') return `; make the bucket ${bucket} first`;
  if (code === 'RequestTimeTooSkewed') return '; set the clock of this machine by NTP';
  if (status === 301 || status === 307 || code === 'AuthorizationHeaderMalformed')
    return `; the bucket is in another region than ${region}: set AWS_REGION`;
  // The last one is what versitygw says of a key that it does not know.
  if (code === 'InvalidAccessKeyId' || code === 'SignatureDoesNotMatch' || code === 'XAdminUserNotFound')
    return '; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  if (status === 401 || status === 403)
    return `; the key needs the rights to list, read, write and delete in ${bucket} (s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject)`;
  return '';
}
