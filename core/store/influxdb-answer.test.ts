import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GaplineError } from '../wire/errors.ts';
import type { Point } from '../wire/point.ts';
import { createInfluxStore } from './influxdb.ts';
import { judge } from './influxdb-answer.ts';

/** Answers that a real server does not give on demand, from a loopback server that plays InfluxDB. */
type Answer = (body: string, response: ServerResponse, request: IncomingMessage) => void;

const logger = pino({ level: 'silent' });
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const taken: Answer = (_, response) => void response.writeHead(204).end();
const status =
  (code: number, message: string, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response
      .writeHead(code, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ code: 'code', message }));

/** A store on a server that answers writes by `answer()`, and knows of no fields. */
async function storeWith(first: Answer, options: { timeoutMs?: number } = {}) {
  const bodies: string[] = [];
  const play = { answer: taken, bodies };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    if (request.url!.startsWith('/query')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"results":[{"statement_id":0}]}');
      return;
    }
    const body = Buffer.concat(chunks).toString();
    if (body !== '') bodies.push(body);
    play.answer(body, response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = createInfluxStore({ url, org: 'o', bucket: 'b', token: 'secret-token', logger, ...options });
  await store.start();
  undo.push(() => store.stop());
  play.answer = first;
  return { store, play, bodies, url, server };
}

const points = (count: number): Point[] =>
  Array.from({ length: count }, (_, index) => ({
    measurement: 'm',
    device: 'd',
    time: String(index),
    fields: { a: index },
  }));
const linesOf = (body: string) => body.split('\n').length;

describe('an answer of InfluxDB', () => {
  it.each([
    ['500', status(500, 'internal error'), 'store-unavailable', /answers 500: internal error/],
    ['502 of a proxy', status(502, 'bad gateway'), 'store-unavailable', /answers 502/],
    ['503', status(503, 'unavailable'), 'store-unavailable', /answers 503/],
    ['429 without a time', status(429, 'slow down'), 'store-unavailable', /left alone for a while/],
    ['401', status(401, 'unauthorized access'), 'store-refused', /does not know the token/],
    ['403', status(403, 'forbidden'), 'store-refused', /does not let the token/],
    ['404', status(404, 'bucket "b" not found'), 'store-refused', /no bucket "b" in an organisation "o"/],
    ['302', status(302, 'elsewhere'), 'store-refused', /answers 302/],
    ['400 that is not about points', status(400, 'invalid precision'), 'store-refused', /answers 400/],
    [
      'a connection cut',
      (_: string, response: ServerResponse) => void response.destroy(),
      'store-unavailable',
      /not answer/,
    ],
    [
      'half an answer',
      (_: string, response: ServerResponse) => {
        response.writeHead(503, { 'content-length': '100', 'content-type': 'text/plain' });
        response.write('half');
        setImmediate(() => response.destroy());
      },
      'store-unavailable',
      /not answer/,
    ],
  ])('%s gives up no point, and the same call goes through later', async (_, answer, code, message) => {
    const { store, play, bodies } = await storeWith(answer);
    const failure = await store.write(points(3)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GaplineError);
    expect(failure).toMatchObject({ code, retryable: true, message: expect.stringMatching(message) });
    expect(bodies.length).toBe(1);
    expect(String(failure)).not.toContain('secret-token');
    play.answer = taken;
    expect(await store.write(points(3))).toEqual([]);
    expect(bodies[1]).toBe(bodies[0]);
  });

  it('keeps still for as long as Retry-After asks', async () => {
    const { store, play, bodies } = await storeWith(status(429, 'quota', { 'retry-after': '1' }));
    await expect(store.write(points(1))).rejects.toThrow(/left alone for 1 s/);
    const answeredMs = Date.now();
    play.answer = taken;
    let arrivedMs = 0;
    while (arrivedMs === 0 && Date.now() < answeredMs + 15_000) {
      await store.write(points(1)).then(
        () => {
          arrivedMs = Date.now();
        },
        (error) => expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(/left alone/) }),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(bodies.length).toBe(2);
    expect(arrivedMs - answeredMs).toBeGreaterThanOrEqual(900);
  });

  it('keeps still no longer where the clock is set back meanwhile', { timeout: 30_000 }, async () => {
    const { store, play } = await storeWith(status(429, 'quota', { 'retry-after': '1' }));
    await expect(store.write(points(1))).rejects.toThrow(/left alone/);
    play.answer = taken;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      await vi.waitFor(() => store.write(points(1)), { timeout: 20_000, interval: 100 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('waits no longer than a request may take, and does not let it land later', async () => {
    const hang = vi.fn();
    const { store, play, bodies } = await storeWith((_, response) => void response.on('close', hang), {
      timeoutMs: 100,
    });
    await expect(store.write(points(1))).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    await vi.waitFor(() => expect(hang).toHaveBeenCalled());
    play.answer = taken;
    expect(await store.write(points(1))).toEqual([]);
    expect(bodies.length).toBe(2);
  });

  it('413 makes requests smaller, until a point alone is too large', async () => {
    const limit: Answer = (body, response, request) =>
      linesOf(body) > 3 || body.includes('a=6')
        ? status(413, 'too large')(body, response, request)
        : taken(body, response, request);
    const { store, bodies } = await storeWith(limit);
    const rejected = await store.write(points(16));
    expect(rejected).toEqual([{ index: 6, reason: expect.stringMatching(/no request of that size/) }]);
    const through = bodies
      .filter((body) => linesOf(body) <= 3 && !body.includes('a=6'))
      .flatMap((body) => body.split('\n'));
    expect(new Set(through).size).toBe(15);
  });

  it('422 in the middle of a server failure gives up nothing', async () => {
    const { store, play } = await storeWith((body, response, request) => {
      play.answer = status(503, 'gone');
      status(422, 'partial write: dropped=1')(body, response, request);
    });
    await expect(store.write(points(8))).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  });

  it('sends one request a batch', async () => {
    const { store, bodies } = await storeWith(taken);
    await store.write(points(5_000));
    expect(bodies.map(linesOf)).toEqual([5_000]);
  });

  it('is waited for by stop', async () => {
    const held: ServerResponse[] = [];
    const { store } = await storeWith((_, response) => void held.push(response));
    const writing = store.write(points(1));
    await vi.waitFor(() => expect(held.length).toBe(1));
    const stopped = store.stop();
    await expect(Promise.race([stopped, Promise.resolve('not yet')])).resolves.toBe('not yet');
    held[0]!.writeHead(204).end();
    await stopped;
    expect(await writing).toEqual([]);
    await expect(store.write(points(1))).rejects.toThrow(/not open/);
  });
});

describe('a server that is unavailable', () => {
  it('does not keep the store from starting, and writes say so until it is there', async () => {
    const { url, server, store: first } = await storeWith(taken);
    await first.stop();
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    undo.length = 0;
    const store = createInfluxStore({ url, org: 'o', bucket: 'b', token: 't', logger });
    await store.start();
    undo.push(() => store.stop());
    await expect(store.write(points(1))).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    const back = createServer((request, response) => {
      request.resume();
      if (request.url!.startsWith('/query')) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      else response.writeHead(204).end();
    }).listen(port, '127.0.0.1');
    await once(back, 'listening');
    undo.push(async () => {
      back.closeAllConnections();
      back.close();
      await once(back, 'close');
    });
    expect(await store.write(points(1))).toEqual([]);
  });
});

describe('Retry-After', () => {
  const address = { url: 'http://h', org: 'o', bucket: 'b' };
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const waitOf = (value: string | undefined) => {
    const failure = Object.assign(new Error('slow'), { statusCode: 429, headers: { 'retry-after': value } });
    const verdict = judge(failure, address, nowMs);
    return verdict.about === 'server' ? verdict.waitMs : undefined;
  };
  it.each([
    ['7', 7_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2015 00:00:30 GMT', 0],
    ['86400', 300_000],
    ['soon', 0],
    [undefined, 0],
  ])('%s', (value, expected) => expect(waitOf(value)).toBe(expected));
});
