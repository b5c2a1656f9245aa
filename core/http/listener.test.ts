import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Listener, type ListenerOptions } from './listener.ts';

const timeouts = { headersTimeoutMs: 10_000, requestTimeoutMs: 10_000 };
const logger = pino({ level: 'silent' });
let listener: Listener;
let handle: (response: ServerResponse) => void;
beforeEach(() => {
  handle = (response) => response.end('ok');
});
afterEach(() => listener.stop());

async function start(options: Partial<ListenerOptions> = {}): Promise<string> {
  listener = new Listener({ host: '127.0.0.1', port: 0, ...timeouts, logger, ...options });
  await listener.start((_request, response) => handle(response));
  return listener.url;
}

/** Sends bytes and resolves with everything that comes back until the server closes the connection. */
function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    socket.on('error', reject).on('close', () => resolve(received));
  });
}

const complete = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';

test.each([
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400, 'request-malformed'],
  ['headers that are too large', `GET / HTTP/1.1\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
])('%s get a problem', async (_, bytes, status, code) => {
  const received = await exchange(await start(), bytes);
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(received.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status, code });
});

/** The statuses of the responses in what came back, in order. */
const statusesIn = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));

const halfBody = 'POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n';

test.each([
  ['is not HTTP', 'broken\r\n\r\n'],
  ['has a broken body', halfBody],
])('complete requests get their responses, in order, before one that %s on the same connection', async (_, broken) => {
  let handled = 0;
  handle = (response) => {
    handled += 1;
    // The broken one is never answered by the handler: its body does not end.
    if (handled <= 2) setTimeout(() => response.end('ok'), handled === 1 ? 40 : 10);
  };
  const received = await exchange(await start(), `${complete}${complete}${broken}`);
  expect(statusesIn(received)).toEqual([200, 200, 400]);
  expect(received.split('\r\n\r\n').at(-1)).toContain('request-malformed');
});

test.each([false, true])('more connections than allowed are closed (shared port: %s)', async (sharedPort) => {
  handle = () => {};
  const url = await start({ maxConnections: 2, sharedPort });
  const waiting = [exchange(url, complete), exchange(url, complete), exchange(url, complete)];
  expect(await Promise.race(waiting.map((each) => each.catch(() => '')))).toBe('');
  await listener.stop();
});

/** Resolves with the response of the next request, which it leaves open. */
function nextResponse(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    handle = resolve;
  });
}

test('stop waits for a response within the grace', async () => {
  const open = nextResponse();
  const request = fetch(await start({ graceMs: 60_000 }));
  const response = await open;
  const stopped = listener.stop();
  response.end('in time');
  expect(await (await request).text()).toBe('in time');
  await stopped;
});

test('stop cuts off a response after the grace, and nothing listens afterwards', async () => {
  const open = nextResponse();
  const url = await start({ graceMs: 0 });
  const request = fetch(url);
  request.catch(() => {});
  await open;
  await listener.stop();
  await expect(request).rejects.toThrow();
  await expect(fetch(url)).rejects.toThrow();
});

test.each([false, true])('a port in use is an error that names it (shared port: %s)', async (sharedPort) => {
  const { port } = new URL(await start());
  const second = new Listener({ ...timeouts, host: '127.0.0.1', port: Number(port), sharedPort, logger });
  await expect(second.start(() => {})).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  await second.stop();
});
