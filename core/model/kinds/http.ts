import { argmax } from '../../numeric/argmax.ts';
import { elementAt } from '../../numeric/element.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { shorten } from '../../wire/problem.ts';
import { excerptOf, readBody } from '../../wire/response-body.ts';
import { Breaker } from './breaker.ts';
import type { Estimates, Estimator } from './estimator.ts';
import type { HttpEstimator } from './http-schema.ts';
import { type Protocol, protocols } from './protocols.ts';

export interface HttpOptions {
  readonly server: HttpEstimator;
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  /** How long a server that keeps failing is left alone. Default 5 s. */
  readonly restMs?: number;
  /** Before the first further try. Default 100 ms. */
  readonly retryAfterMs?: number;
}

/** No response may be longer. */
const maxResponseBytes = 64 * 1024 * 1024;

/** Sends rows to a model server, one request after the other. Its responses are checked before they are used. */
export function openHttp({ server, fields, classes, restMs = 5_000, retryAfterMs = 100 }: HttpOptions): Estimator {
  const protocol = protocols[server.protocol];
  const breaker = new Breaker({ retries: server.retries, retryAfterMs, maxFailures: 5, restMs });
  const closing = new AbortController();
  const width = fields.length;
  /** Rows a request, at most. */
  let batch = server.batch;

  async function request(values: Float64Array, count: number): Promise<Estimates> {
    const body = protocol.request({ server, fields, values, count });
    return breaker.run(async () => {
      const json = await post(
        new URL(protocol.path(server), withSlash(server.url)),
        body,
        server.timeoutMs,
        closing.signal,
      );
      return readResponse(protocol, json, { server, classes, count });
    }, closing.signal);
  }

  return {
    async predict(values, count) {
      const estimates = { labels: new Int32Array(count), probabilities: new Float64Array(count * classes.length) };
      for (let first = 0; first < count; ) {
        const end = Math.min(count, first + batch);
        let part: Estimates;
        try {
          part = await request(values.subarray(first * width, end * width), end - first);
        } catch (error) {
          if (!(error instanceof TooLarge) || end - first === 1) throw error;
          // What the server takes is less than was configured; it is remembered, because a refusal costs a request.
          batch = Math.ceil((end - first) / 2);
          continue;
        }
        estimates.labels.set(part.labels, first);
        estimates.probabilities.set(part.probabilities, first * classes.length);
        first = end;
      }
      return estimates;
    },
    async close() {
      closing.abort(new Error('the model was closed'));
    },
  };
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

const unavailable = (url: URL, detail: string, cause?: unknown): GaplineError =>
  new GaplineError('model-unavailable', `${url.origin}${url.pathname} ${detail}`, { retryable: true, cause });

/** Statuses that blame what was sent, not the server, its address or its load: the rows will never be labelled. */
const refusedStatuses = new Set([400, 413, 422]);

/** The server, or a proxy before it, takes no body so large. */
class TooLarge extends GaplineError {}

/** What an error's body says: its text where it is JSON with one, as servers of both protocols write it; else its beginning. */
function complaintOf(text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null)
      for (const key of ['error', 'message', 'detail', 'error_code']) {
        const value = (json as Record<string, unknown>)[key];
        if (typeof value === 'string' && value !== '') return JSON.stringify(shorten(value, 300));
      }
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return JSON.stringify(excerptOf(text));
}

async function post(url: URL, body: string, timeoutMs: number, closing: AbortSignal): Promise<unknown> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    text = (await readBody(response, maxResponseBytes)).toString('utf8');
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw unavailable(
      url,
      late ? `did not respond within ${timeoutMs} ms` : `cannot be reached: ${describeError(error)}`,
      error,
    );
  }
  const excerpt = complaintOf(text);
  if (refusedStatuses.has(response.status)) {
    const detail = `${url.origin}${url.pathname} refused the rows with ${response.status}: ${excerpt}`;
    if (response.status === 413) throw new TooLarge('model-invalid', detail, { retryable: false });
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
  if (!response.ok) throw unavailable(url, `responded with ${response.status}: ${excerpt}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable(url, `responded with what is no JSON: ${excerpt}`, error);
  }
}

function readResponse(
  protocol: Protocol,
  json: unknown,
  expected: { server: HttpEstimator; classes: readonly string[]; count: number },
): Estimates {
  const { server, classes, count } = expected;
  const content = protocol.read(json, expected);
  const fail = (detail: string): never => {
    throw new GaplineError('model-unavailable', `${server.url} responded with ${detail}`, { retryable: true });
  };
  if (typeof content === 'string') return fail(content);
  return 'labels' in content
    ? fromLabels(content.labels, classes, count, fail)
    : fromProbabilities(content.probabilities, classes, count, fail);
}

/** Lists and objects by their kind only: they may nest deeper than any stack. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value);
}

function fromLabels(
  names: readonly unknown[],
  classes: readonly string[],
  count: number,
  fail: (detail: string) => never,
): Estimates {
  if (names.length !== count) fail(`${names.length} labels to ${count} rows`);
  const labels = Int32Array.from(names, (label) => classes.indexOf(String(label)));
  const unknown = labels.indexOf(-1);
  if (unknown >= 0) fail(`the label ${shown(names[unknown])}, which is none of ${classes.slice(0, 10).join(', ')}`);
  const probabilities = new Float64Array(count * classes.length);
  for (const [row, label] of labels.entries()) probabilities[row * classes.length + label] = 1;
  return { labels, probabilities };
}

function fromProbabilities(
  values: readonly unknown[],
  classes: readonly string[],
  count: number,
  fail: (detail: string) => never,
): Estimates {
  const width = classes.length;
  if (values.length !== count * width) fail(`${values.length} probabilities to ${count} rows and ${width} classes`);
  const probabilities = new Float64Array(values.length);
  const labels = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let at = row * width; at < (row + 1) * width; at++) {
      const value = values[at];
      if (typeof value !== 'number' || !(value >= -1e-3 && value <= 1 + 1e-3)) fail(`${shown(value)} as a probability`);
      probabilities[at] = Math.max(0, value as number);
      sum += elementAt(probabilities, at);
    }
    if (Math.abs(sum - 1) > 0.01) fail(`probabilities that sum to ${sum.toFixed(3)}`);
    for (let at = row * width; at < (row + 1) * width; at++) probabilities[at]! /= sum;
    labels[row] = argmax(probabilities, row * width, width);
  }
  return { labels, probabilities };
}
