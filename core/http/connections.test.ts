import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import pino from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { Listener, type ListenerOptions } from './listener.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(options: Partial<ListenerOptions>) {
  const timeouts = { headersTimeoutMs: 30_000, requestTimeoutMs: 30_000 };
  const logger = pino({ level: 'silent' });
  const listener = new Listener({ host: '127.0.0.1', port: 0, logger, ...timeouts, ...options });
  const waiting: (() => void)[] = [];
  await listener.start((request, response) => {
    if (request.url === '/slow') waiting.push(() => response.end('slow'));
    else response.end('ok');
  });
  cleanUps.push(() => listener.stop());
  const { hostname, port } = new URL(listener.url);
  async function hold(localAddress = '127.0.0.1') {
    const socket = connect({ host: hostname, port: Number(port), localAddress });
    socket.on('error', () => {});
    cleanUps.push(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }
  function get(path: string, localAddress = '127.0.0.1'): Promise<string> {
    return new Promise((resolve, reject) => {
      request({ host: hostname, port, path, localAddress, agent: false }, async (response) => {
        resolve((await response.setEncoding('utf8').toArray()).join(''));
      })
        .on('error', reject)
        .end();
    });
  }
  return { hold, get, waiting };
}

const closed = (sockets: readonly Socket[]) =>
  sockets.filter(({ readableEnded, destroyed }) => readableEnded || destroyed);

test('idle connections beyond the bound give way, the oldest first, and keep nobody out', async () => {
  const { hold, get } = await listen({ maxConnections: 20 });
  const held: Socket[] = [];
  for (let n = 0; n < 60; n++) held.push(await hold());
  expect(await get('/')).toBe('ok');
  for (const socket of held) socket.resume();
  await vi.waitFor(() => expect(closed(held).length).toBeGreaterThanOrEqual(40));
  expect(closed(held)).toContain(held[0]);
  expect(closed(held)).not.toContain(held[59]);
});

test('2,000 idle connections from one address leave others their place, and a request under way', {
  timeout: 60_000,
}, async () => {
  const { hold, get, waiting } = await listen({ maxConnections: 800, maxConnectionsPerAddress: 500 });
  const slow = get('/slow');
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  let last: Socket | undefined;
  for (let n = 0; n < 2_000; n++) {
    last = await hold();
    last.resume();
  }
  expect(await get('/')).toBe('ok');
  if (last) expect(closed([last])).toEqual([]);
  for (const finish of waiting) finish();
  expect(await slow).toBe('slow');
});

test('a request under way is never given up for a new connection; where all are at work the new one is closed', async () => {
  const { hold, get, waiting } = await listen({ maxConnections: 2 });
  const slow = [get('/slow'), get('/slow')];
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  const refused = await hold();
  refused.resume();
  await vi.waitFor(() => expect(closed([refused])).toHaveLength(1));
  for (const finish of waiting) finish();
  expect(await Promise.all(slow)).toEqual(['slow', 'slow']);
});

test.runIf(process.platform === 'linux')('an address has its own bound', async () => {
  const { hold, get, waiting } = await listen({ maxConnections: 100, maxConnectionsPerAddress: 3 });
  const slow = [1, 2, 3].map(() => get('/slow', '127.0.0.2'));
  await vi.waitFor(() => expect(waiting).toHaveLength(3));
  const refused = await hold('127.0.0.2');
  refused.resume();
  await vi.waitFor(() => expect(closed([refused])).toHaveLength(1));
  expect(await get('/', '127.0.0.3')).toBe('ok');
  for (const finish of waiting) finish();
  expect(await Promise.all(slow)).toEqual(['slow', 'slow', 'slow']);
});

test('a connection that sends nothing is closed in time', async () => {
  const { hold } = await listen({ headersTimeoutMs: 100, requestTimeoutMs: 100 });
  const silent = await hold();
  silent.resume();
  await once(silent, 'close');
});
