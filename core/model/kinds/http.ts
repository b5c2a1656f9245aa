import { argmax } from '../../numeric/argmax.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
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

/** No answer may be longer. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Asks a model server, one request after the other. Its answers are checked before they are believed. */
export function openHttp({ server, fields, classes, restMs = 5_000, retryAfterMs = 100 }: HttpOptions): Estimator {
  const protocol = protocols[server.protocol];
  const breaker = new Breaker({ retries: server.retries, retryAfterMs, maxFailures: 5, restMs });
  const closing = new AbortController();
  const width = fields.length;

  async function ask(values: Float64Array, count: number): Promise<Estimates> {
    const body = protocol.request({ server, fields, values, count });
    return breaker.run(async () => {
      const json = await post(
        new URL(protocol.path(server), withSlash(server.url)),
        body,
        server.timeoutMs,
        closing.signal,
      );
      return readAnswer(protocol, json, { server, classes, count });
    }, closing.signal);
  }

  return {
    async predict(values, count) {
      const estimates = { labels: new Int32Array(count), probabilities: new Float64Array(count * classes.length) };
      for (let first = 0; first < count; first += server.batch) {
        const end = Math.min(count, first + server.batch);
        const part = await ask(values.subarray(first * width, end * width), end - first);
        estimates.labels.set(part.labels, first);
        estimates.probabilities.set(part.probabilities, first * classes.length);
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

/** Answers that blame what was sent, not the server, its address or its load: the rows will never be labelled. */
const refusals = new Set([400, 413, 422]);

async function post(url: URL, body: string, timeoutMs: number, closing: AbortSignal): Promise<unknown> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    text = await readText(response);
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw unavailable(
      url,
      late ? `did not answer within ${timeoutMs} ms` : `cannot be asked: ${describeError(error)}`,
      error,
    );
  }
  const said = text.slice(0, 300);
  if (refusals.has(response.status)) {
    const detail = `${url.origin}${url.pathname} refused the rows with ${response.status}: ${said}`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
  if (!response.ok) throw unavailable(url, `answered ${response.status}: ${said}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable(url, `answered what is no JSON: ${said}`, error);
  }
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function readAnswer(
  protocol: Protocol,
  json: unknown,
  asked: { server: HttpEstimator; classes: readonly string[]; count: number },
): Estimates {
  const { server, classes, count } = asked;
  const answer = protocol.answer(json, asked);
  const fail = (detail: string): never => {
    throw new GaplineError('model-unavailable', `${server.url} answered ${detail}`, { retryable: true });
  };
  if (typeof answer === 'string') return fail(answer);
  return 'labels' in answer
    ? fromLabels(answer.labels, classes, count, fail)
    : fromShares(answer.shares, classes, count, fail);
}

function fromLabels(
  said: readonly unknown[],
  classes: readonly string[],
  count: number,
  fail: (detail: string) => never,
): Estimates {
  if (said.length !== count) fail(`${said.length} labels to ${count} rows`);
  const labels = Int32Array.from(said, (label) => classes.indexOf(String(label)));
  const unknown = labels.indexOf(-1);
  if (unknown >= 0)
    fail(`the label ${JSON.stringify(said[unknown])}, which is none of ${classes.slice(0, 10).join(', ')}`);
  const probabilities = new Float64Array(count * classes.length);
  for (const [row, label] of labels.entries()) probabilities[row * classes.length + label] = 1;
  return { labels, probabilities };
}

function fromShares(
  said: readonly unknown[],
  classes: readonly string[],
  count: number,
  fail: (detail: string) => never,
): Estimates {
  const width = classes.length;
  if (said.length !== count * width) fail(`${said.length} probabilities to ${count} rows and ${width} classes`);
  const probabilities = new Float64Array(said.length);
  const labels = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let at = row * width; at < (row + 1) * width; at++) {
      const share = said[at];
      if (typeof share !== 'number' || !(share >= -1e-3 && share <= 1 + 1e-3))
        fail(`${JSON.stringify(share)} as a probability`);
      probabilities[at] = Math.max(0, share as number);
      sum += probabilities[at]!;
    }
    if (Math.abs(sum - 1) > 0.01) fail(`probabilities that sum to ${sum.toFixed(3)}`);
    for (let at = row * width; at < (row + 1) * width; at++) probabilities[at]! /= sum;
    labels[row] = argmax(probabilities, row * width, width);
  }
  return { labels, probabilities };
}
