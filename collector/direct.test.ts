import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Access } from '../core/access/access.ts';
import { addToken } from '../core/access/tokens.ts';
import { AppendError, type EventLog } from '../core/log/port.ts';
import { inputs } from '../test/fuzz/inputs.ts';
import type { CollectorOptions } from './collector.ts';
import { silent, startCollector, type TestCollector } from './testing.ts';

/** Requests that node:http has read since the start of the test. */
let readByNode = 0;
const count = (message: unknown) => {
  // Those of the tests' own clients have no collector at their end.
  if ((message as { request?: IncomingMessage }).request?.socket.localPort) readByNode += 1;
};
beforeAll(() => subscribe('http.server.request.start', count));
afterAll(() => unsubscribe('http.server.request.start', count));

const started: TestCollector[] = [];
let folder: string;
beforeEach(() => {
  readByNode = 0;
  folder = mkdtempSync(join(tmpdir(), 'gapline-direct-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.stop()));
  rmSync(folder, { recursive: true });
});

const nowMs = 1_850_000_000_000;

type Options = Parameters<typeof startCollector>[0];

/** Two collectors that are alike: one for each way. */
async function startTwo(options: Options = {}): Promise<readonly [TestCollector, TestCollector]> {
  const two = [
    await startCollector({ nowMs: () => nowMs, ...options }),
    await startCollector({ nowMs: () => nowMs, ...options }),
  ] as const;
  started.push(...two);
  return two;
}

interface Sent {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Sends a request on a connection of its own, in one piece, and returns the response as it came, without its date. */
function send(url: string, { path = '/readings', headers = {}, body }: Sent): Promise<string> {
  const bytes = Buffer.from(body);
  const fields = Object.entries({ host: 'localhost', ...headers, 'content-length': bytes.length });
  const head = [`POST ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
      if (!isWhole(received)) return;
      socket.destroy();
      resolve(received.replace(/Date: .*\r\n/, ''));
    });
    socket.on('error', reject).on('close', () => resolve(received.replace(/Date: .*\r\n/, '')));
    socket.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, end + 1))?.[1];
  return Buffer.byteLength(text.slice(end + 4)) >= Number(length ?? 0);
}

/** A header that nothing depends on, and that leaves the request to node:http. */
const toNode = { te: 'trailers' };

/** What the log holds, without the times of lines that had none: which of them were given away may differ. */
async function recordsOf({ readings }: TestCollector): Promise<string[]> {
  const arrived = String(BigInt(nowMs) * 1_000_000n);
  const texts = (await readings()).map((reading) =>
    JSON.stringify(reading.time >= arrived ? { ...reading, time: 'arrival' } : reading),
  );
  return texts.sort();
}

/** Sends each both ways; returns how many of them were read directly. */
async function compare(sent: Iterable<Sent>, options?: Options): Promise<number> {
  const [whole, usual] = await startTwo(options);
  let direct = 0;
  for (const each of sent) {
    const before = readByNode;
    const response = await send(whole.collector.url, each);
    if (readByNode === before) direct += 1;
    expect(response).toBe(await send(usual.collector.url, { ...each, headers: { ...each.headers, ...toNode } }));
  }
  expect(await recordsOf(whole)).toEqual(await recordsOf(usual));
  const counted = ({ registry }: TestCollector) => registry.getMetricsAsJSON().then(countersOf);
  expect(await counted(whole)).toEqual(await counted(usual));
  return direct;
}

/** What was counted of requests and readings. */
function countersOf(metrics: readonly { name: string; values: readonly unknown[] }[]): unknown {
  return metrics.filter(({ name }) => /requests_total|accepted_total|ignored_fields/.test(name));
}

const json = { 'content-type': 'application/json' };
const sound: Sent = { headers: json, body: '{"device":"d","time":"1700000000000000001","values":{"a":1,"b":null}}' };
const line: Sent = { path: '/api/v2/write?org=o&bucket=b', body: 'm,device=d a=1,c=2 1700000000000000001' };

test('of hostile inputs, too, a request that is read directly gets the response that it gets through node:http', {
  timeout: 120_000,
}, async () => {
  function* some() {
    let left = 1_500;
    for (const input of inputs(11)) {
      if (--left < 0) return;
      yield input;
    }
  }
  expect(await compare(some())).toBeGreaterThan(30);
});

test('what is sound is read directly', async () => {
  const lines = { 'content-type': 'application/x-ndjson' };
  const two = '{"device":"d","time":1700000001,"values":{"a":1}}\n{"device":"d","time":1700000002,"values":{"a":2}}';
  const sent = [sound, line, { path: '/readings?precision=s', headers: lines, body: two }];
  expect(await compare(sent)).toBe(sent.length);
});

test.each<[string, Sent]>([
  ['a wait for labels', { ...sound, path: '/readings?wait=10ms' }],
  ['no content type', { body: sound.body }],
  ['a wrong precision', { ...sound, path: '/readings?precision=h' }],
  ['an encoding', { ...sound, headers: { ...json, 'content-encoding': 'identity' } }],
  ['another origin', { ...sound, headers: { ...json, origin: 'http://example.org' } }],
  ['no readings', { headers: json, body: '[]' }],
  ['an empty body', { headers: json, body: '' }],
  ['a reading that is wrong', { headers: json, body: '{"device":"d","time":"1700000000000000001","values":{"x":1}}' }],
  ['a line that is wrong', { ...line, body: 'm a=1' }],
  ['facts', { path: '/facts', headers: json, body: '[]' }],
  ['another address', { ...sound, path: '/elsewhere' }],
])('%s is for node:http, with the same response', async (_, each) => {
  expect(await compare([each])).toBe(0);
});

test('bodies beyond the limit are for node:http', async () => {
  expect(await compare([sound, line], { maxBodyBytes: 20 })).toBe(0);
});

test('with rate limits every request is counted, by node:http', async () => {
  expect(await compare([sound, sound, line, sound], { rateLimits: { perAddress: 2 } })).toBe(0);
});

test('tokens are looked at with each request', async () => {
  const file = join(folder, 'tokens.json');
  const write = addToken(file, 'device', ['write'], new Date());
  const read = addToken(file, 'page', ['read'], new Date());
  const accesses: Access[] = [];
  const access = () => {
    const made = new Access({ file, logger: silent });
    made.start();
    accesses.push(made);
    return made;
  };
  const bearing = (token: string): Sent => ({ ...sound, headers: { ...json, authorization: `Bearer ${token}` } });
  const sent = [bearing(write), bearing(read), bearing(`${write}x`), sound, bearing(write)];
  expect(await compare(sent, { access: access() })).toBe(2);
  for (const each of accesses) each.stop();
});

test.each(['refused', 'unknown'] as const)('a log that fails (%s) is told of in the same words', async (outcome) => {
  const wrap = (log: EventLog): EventLog => ({
    ...log,
    start: () => log.start(),
    append: () => Promise.reject(new AppendError(outcome, 'unavailable')),
  });
  const failing: Partial<CollectorOptions> & { wrap: typeof wrap } = { wrap };
  expect(await compare([sound, line], failing)).toBe(2);
});
