import { HttpProblem } from '../../core/http/problem.ts';
import { describeError } from '../../core/wire/errors.ts';
import { shorten } from '../../core/wire/problem.ts';
import { excerptOf, readBody } from '../../core/wire/response-body.ts';
import type { ServeAddress } from '../stream.ts';

const timeoutMs = 10_000;
const mostBytes = 64 << 20;
/** Requests under way to one server; more are refused, so that one that hangs does not fill the memory. */
const mostAtOnce = 64;

/** The version that the request names is served no more. */
export class VersionGone extends Error {}

/** What `gapline serve` answers with a code of its own, which the gateway passes on. */
const passedOn = ['device-unknown', 'fact-missing', 'row-missing', 'state-restoring'] as const;

const underWay = new WeakMap<ServeAddress, number>();

/**
 * One request to `gapline serve`. Redirects are not followed: they would lead to an address that nobody configured.
 * @param body - sent as JSON by POST; without one it is a GET
 * @returns the JSON of the answer
 * @throws {HttpProblem} `model-unavailable`, or what is wrong with the request
 * @throws {VersionGone}
 */
export async function askServe(address: ServeAddress, path: string, body?: object): Promise<unknown> {
  const busy = underWay.get(address) ?? 0;
  if (busy >= mostAtOnce) throw unavailable(`${busy} requests wait for the model server`);
  underWay.set(address, busy + 1);
  try {
    const { response, text } = await send(address, path, body);
    const json = parsed(text);
    if (!response.ok) throw refusal(response, json, text, path);
    if (json === undefined) throw unavailable(`the model server responds with no JSON: ${excerptOf(text)}`);
    return json;
  } finally {
    underWay.set(address, (underWay.get(address) ?? 1) - 1);
  }
}

async function send({ url, token }: ServeAddress, path: string, body?: object) {
  try {
    const response = await fetch(new URL(path, url), {
      method: body ? 'POST' : 'GET',
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { response, text: (await readBody(response, mostBytes)).toString('utf8') };
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    const why = late ? `did not respond within ${timeoutMs / 1_000} s` : `cannot be reached: ${describeError(error)}`;
    throw unavailable(`the model server ${why}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a refusal means to the one who asked the gateway: a mistake of theirs, or a server that is not as it should be. */
function refusal({ status, headers }: Response, json: unknown, text: string, path: string): Error {
  const { error, code } = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  const detail = typeof error === 'string' ? shorten(error, 500) : excerptOf(text);
  const known = passedOn.find((each) => each === code);
  const retryAfterS = Number.parseInt(headers.get('retry-after') ?? '', 10) || undefined;
  if (known) return new HttpProblem(known, detail, retryAfterS === undefined ? {} : { retryAfterS });
  if (status === 400) return new HttpProblem('request-invalid', detail);
  if (status === 413) return new HttpProblem('body-too-large', detail);
  if (status === 404 && path.includes('/versions/')) return new VersionGone(detail);
  if (status === 401 || status === 403)
    return unavailable(`the model server refuses the gateway's token (GAPLINE_TOKEN, scope read): ${detail}`);
  return unavailable(`the model server responds with ${status}: ${detail}`);
}

const unavailable = (detail: string): HttpProblem => new HttpProblem('model-unavailable', detail, { retryAfterS: 5 });
