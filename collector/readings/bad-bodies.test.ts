import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorCatalog } from '../../core/wire/errors.ts';
import { type Problem, problemSchema } from '../../core/wire/problem.ts';
import { startCollector, type TestCollector } from '../testing.ts';
import cases from './bad-bodies.cases.json' with { type: 'json' };

type Text = string | { open?: string; repeat: string; times: number; then?: string; close?: string; end?: string };

interface Case {
  readonly name: string;
  /** One of these three is the body. */
  readonly body?: unknown;
  readonly text?: Text;
  readonly base64?: string;
  readonly type?: string | null;
  readonly encoding?: string;
  readonly gzip?: boolean;
  /** Send only so many bytes of the gzip. */
  readonly cut?: number;
  readonly query?: string;
  readonly status?: number;
  readonly code: keyof typeof errorCatalog;
  readonly pointer?: string;
  /** What the detail says. */
  readonly detail?: string;
  /** The body once corrected. */
  readonly right?: unknown;
  readonly rightText?: string;
  readonly rightType?: string;
}

let started: TestCollector;
beforeAll(async () => {
  started = await startCollector();
});
afterAll(() => started.stop());

test.each(cases as Case[])('$name', async (bad) => {
  const response = await post(
    bytesOf(bad),
    bad.type === undefined ? 'application/json' : bad.type,
    encodingOf(bad),
    bad.query,
  );
  const text = await response.text();
  expect([response.status, text.slice(0, 2_000)]).toEqual([bad.status ?? 400, text.slice(0, 2_000)]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem: Problem = problemSchema.parse(JSON.parse(text));
  expect(problem).toMatchObject({ code: bad.code, status: response.status, title: errorCatalog[bad.code].title });
  if (bad.pointer !== undefined) expect(problem.errors[0]?.pointer).toBe(bad.pointer);
  expect(problem.detail).toContain(bad.detail ?? ' ');

  const right = bad.rightText ?? JSON.stringify(bad.right);
  const type = bad.rightType ?? (bad.rightText === undefined ? 'application/json' : (bad.type as string));
  expect((await post(Buffer.from(right), type)).status).toBe(202);
  expect((await fetch(`${started.collector.url}/health`)).status).toBe(200);
});

test('there are more than forty of them, and nothing of them was taken', async () => {
  expect(cases.length).toBeGreaterThanOrEqual(40);
  const taken = (await started.readings()).length;
  const corrected = (cases as Case[]).map(({ right, rightText }) => right ?? rightText?.trim().split('\n'));
  expect(taken).toBe(corrected.flat().length);
});

function bytesOf({ body, text, base64, gzip, cut }: Case): Buffer {
  const bytes =
    base64 === undefined
      ? Buffer.from(text === undefined ? JSON.stringify(body) : textOf(text))
      : Buffer.from(base64, 'base64');
  return gzip ? gzipSync(bytes).subarray(0, cut) : bytes;
}

function textOf(text: Text): string {
  if (typeof text === 'string') return text;
  const { open = '', repeat, times, then = '', close = '', end = '' } = text;
  return open + repeat.repeat(times) + then + close.repeat(times) + end;
}

function encodingOf({ gzip, encoding }: Case): string | undefined {
  return gzip ? 'gzip' : encoding;
}

function post(body: Buffer, type: string | null, encoding?: string, query = ''): Promise<Response> {
  const headers: Record<string, string> = {};
  if (type !== null) headers['content-type'] = type;
  if (encoding !== undefined) headers['content-encoding'] = encoding;
  return fetch(`${started.collector.url}/readings?${query}`, { method: 'POST', body: new Uint8Array(body), headers });
}
