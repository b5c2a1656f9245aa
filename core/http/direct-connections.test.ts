import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DirectHandler } from './direct-connections.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import { replyOf, sendReply } from './reply.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** How each request was read, in order: `direct /a`, `node /b`. */
let ways: string[] = [];
/** Handles what begins with /direct; to be replaced by tests that respond later. */
let direct: DirectHandler;
beforeEach(() => {
  ways = [];
  direct = ({ url, body }, respond) => {
    if (!url.startsWith('/direct')) return false;
    ways.push(`direct ${url}`);
    respond(echo(url, body.toString()));
    return true;
  };
});

const echo = (url: string, body: string) => replyOf(202, 'text/plain', `${url} ${body}`);

async function listen(options: Partial<ListenerOptions> = {}): Promise<Listener> {
  const timeouts = { headersTimeoutMs: 10_000, requestTimeoutMs: 10_000, keepAliveTimeoutMs: 5_000 };
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    ...timeouts,
    logger: pino({ level: 'silent' }),
    ...options,
  });
  await listener.start(
    async (request, response: ServerResponse) => {
      ways.push(`node ${request.url}`);
      // Some clients go away before the end.
      const body = await request
        .setEncoding('utf8')
        .toArray()
        .catch(() => undefined);
      if (body) sendReply(response, echo(request.url ?? '', body.join('')));
    },
    (request, respond) => direct(request, respond),
  );
  cleanUps.push(() => listener.stop());
  return listener;
}

interface Client {
  readonly socket: Socket;
  /** What came so far. */
  received(): string;
  /** Resolves once so many responses came. */
  responses(count: number): Promise<string[]>;
  closed(): Promise<unknown>;
}

function client({ url }: Listener): Client {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), allowHalfOpen: true, noDelay: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {}).on('end', () => socket.end());
  cleanUps.push(() => socket.destroy());
  const closed = once(socket, 'close');
  const bodies = () => text.split(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/).slice(1);
  return {
    socket,
    received: () => text,
    responses: async (count) => {
      await vi.waitFor(() => expect(bodies().length).toBe(count));
      return bodies();
    },
    closed: () => closed,
  };
}

const post = (url: string, body = 'abc', ...headers: string[]) =>
  [`POST ${url} HTTP/1.1`, 'host: localhost', `content-length: ${body.length}`, ...headers, '', body].join('\r\n');

const withoutDate = (text: string) => text.replace(/Date: .*\r\n/, '');

test('a whole request is read directly, and gets the bytes that node:http sends', async () => {
  const listener = await listen();
  const whole = client(listener);
  whole.socket.write(post('/direct'));
  await whole.responses(1);
  const parted = client(listener);
  parted.socket.write(post('/direct').slice(0, 30));
  await sleep(20);
  parted.socket.write(post('/direct').slice(30));
  expect(await parted.responses(1)).toEqual(['/direct abc']);
  expect(ways).toEqual(['direct /direct', 'node /direct']);
  expect(withoutDate(whole.received())).toBe(withoutDate(parted.received()));
  expect(whole.received()).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
});

test('a connection has its requests in order, and belongs to node:http from the first one that is not for direct reading', async () => {
  const { socket, responses } = client(await listen());
  const sent = ['/direct/1', '/direct/2', '/other', '/direct/3'];
  for (const [index, url] of sent.entries()) {
    socket.write(post(url, 'x'.repeat(index)));
    await responses(index + 1);
  }
  expect(await responses(4)).toEqual(['/direct/1 ', '/direct/2 x', '/other xx', '/direct/3 xxx']);
  expect(ways).toEqual(['direct /direct/1', 'direct /direct/2', 'node /other', 'node /direct/3']);
});

/** Writes pieces, each once the one before has probably been read. */
async function writeApart({ socket }: Client, ...pieces: string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(20);
  }
}

test('a body in a packet of its own is waited for', async () => {
  const listener = await listen();
  const each = client(listener);
  const text = post('/direct');
  await writeApart(each, text.slice(0, -3), text.slice(-3));
  expect(await each.responses(1)).toEqual(['/direct abc']);
  await writeApart(each, text.slice(0, -3), text.slice(-3, -1), text.slice(-1));
  expect(await each.responses(2)).toHaveLength(2);
  expect(ways).toEqual(['direct /direct', 'direct /direct']);
  const trickle = post('/direct/trickle', 'abcdef');
  await writeApart(each, trickle.slice(0, -6), ...trickle.slice(-6));
  await each.responses(3);
  expect(ways[2]).toBe('node /direct/trickle');
});

test('a body that does not come soon, or is not small, is waited for by node:http', async () => {
  const listener = await listen();
  const [late, large] = [client(listener), client(listener)];
  const text = post('/direct');
  late.socket.write(text.slice(0, -3));
  await writeApart(large, post('/direct/large', 'x'.repeat(70_000)).slice(0, 200), 'x');
  await sleep(1_200);
  late.socket.write(text.slice(-3));
  await late.responses(1);
  expect(ways).toEqual(['node /direct/large', 'node /direct']);
});

test('bodies that are waited for have a bound in all; those of closed connections do not count', async () => {
  const listener = await listen();
  const begin = post('/direct', 'x'.repeat(60_000)).slice(0, -1);
  for (let turn = 0; turn < 2; turn += 1) {
    ways = [];
    const many = Array.from({ length: 80 }, () => client(listener));
    for (const { socket } of many) socket.write(begin);
    await vi.waitFor(() => expect(ways.length).toBeGreaterThan(0));
    await sleep(100);
    const toNode = ways.length;
    for (const { socket } of many) socket.write('x');
    await Promise.all(many.map(({ responses }) => responses(1)));
    expect(ways.filter((way) => way.startsWith('direct')).length).toBe(80 - toNode);
    expect(80 - toNode).toBeLessThanOrEqual(66);
    for (const { socket } of many) socket.destroy();
  }
});

test('requests that come together, and those that come in pieces, are all answered', async () => {
  const listener = await listen();
  const together = client(listener);
  together.socket.write(post('/direct/1') + post('/direct/2') + post('/direct/3'));
  expect(await together.responses(3)).toEqual(['/direct/1 abc', '/direct/2 abc', '/direct/3 abc']);
  const pieces = client(listener);
  for (const byte of post('/direct/1') + post('/direct/2')) {
    pieces.socket.write(byte);
    await sleep(1);
  }
  expect(await pieces.responses(2)).toEqual(['/direct/1 abc', '/direct/2 abc']);
  const large = client(listener);
  large.socket.write(post('/direct/1', 'x'.repeat(300_000)));
  expect((await large.responses(1))[0]?.length).toBe(300_010);
});

/** Makes requests wait; returns what responds to the one that waits. */
function held(): () => void {
  let respond = () => {};
  direct = ({ url, body }, answer) => {
    if (!url.startsWith('/direct')) return false;
    ways.push(`direct ${url}`);
    if (url.endsWith('/slow')) respond = () => answer(echo(url, body.toString()));
    else answer(echo(url, body.toString()));
    return true;
  };
  return () => respond();
}

const underWay = (count: number) => vi.waitFor(() => expect(ways).toHaveLength(count));

test.each([
  ['directly too', post('/direct/early'), 'direct /direct/early'],
  ['by node:http', post('/early'), 'node /early'],
  ['in pieces', post('/early').slice(0, 40), 'node /early'],
])('a request that comes before the last one has its response is read after that: %s', async (_, early, way) => {
  const respond = held();
  const { socket, responses } = client(await listen());
  socket.write(post('/direct/slow'));
  await underWay(1);
  socket.write(early);
  await sleep(30);
  expect(ways).toHaveLength(1);
  respond();
  if (!early.endsWith('abc')) socket.write(post('/early').slice(40));
  expect(await responses(2)).toHaveLength(2);
  expect(ways[1]).toBe(way);
});

test('a client that ends its side gets its response, and the connection is closed, whichever socket took it', async () => {
  const respond = held();
  const listener = await listen({ sharedPort: true });
  for (let count = 1; count <= 12; count += 1) {
    const { socket, responses, closed } = client(listener);
    socket.end(post('/direct/slow'));
    await underWay(count);
    await sleep(10);
    respond();
    expect(await responses(1)).toEqual(['/direct/slow abc']);
    await closed();
  }
});

test('what comes on a connection that is being closed is not read', async () => {
  const large = replyOf(202, 'text/plain', 'x'.repeat(30_000_000));
  let respond = () => {};
  direct = ({ url }, own) => {
    ways.push(`direct ${url}`);
    respond = () => own(large);
    return true;
  };
  const listener = await listen({ graceMs: 300 });
  const { socket, closed } = client(listener);
  socket.pause();
  socket.write(post('/direct/last'));
  await underWay(1);
  const stopped = listener.stop();
  respond();
  socket.write(post('/direct/late'));
  await Promise.all([stopped, sleep(100)]);
  expect(ways).toEqual(['direct /direct/last']);
  socket.resume();
  await closed();
});

test('a client that is gone harms nothing', async () => {
  const respond = held();
  const listener = await listen();
  const { socket } = client(listener);
  socket.write(post('/direct/slow'));
  await underWay(1);
  socket.resetAndDestroy();
  await sleep(30);
  respond();
  const next = client(listener);
  next.socket.write(post('/direct/next'));
  await next.responses(1);
});

test('a client that does not read its responses is not read from', async () => {
  const url = `/direct/${'x'.repeat(500)}`;
  direct = (_, respond) => {
    ways.push('direct');
    respond(replyOf(202, 'text/plain', 'y'.repeat(1_000_000)));
    return true;
  };
  const { socket } = client(await listen());
  socket.pause();
  const timer = setInterval(() => socket.write(post(url)), 1);
  cleanUps.push(() => clearInterval(timer));
  await sleep(500);
  const taken = ways.length;
  expect(taken).toBeLessThan(40);
  socket.resume();
  await vi.waitFor(() => expect(ways.length).toBeGreaterThan(taken));
});

describe('time and room', () => {
  test('a connection without a request is told so in time', async () => {
    const { received, closed } = client(await listen({ headersTimeoutMs: 100 }));
    await closed();
    expect(received()).toMatch(/^HTTP\/1.1 408 [\s\S]*request-timeout/);
  });

  test('half a request is given up in time', async () => {
    const { socket, received, closed } = client(await listen({ headersTimeoutMs: 100, requestTimeoutMs: 200 }));
    socket.write(post('/direct').slice(0, 20));
    await closed();
    expect(received()).toMatch(/^HTTP\/1.1 408 /);
  });

  test('an idle connection is closed after the time that responses name, one with a request is not', async () => {
    const respond = held();
    const listener = await listen({ keepAliveTimeoutMs: 100, headersTimeoutMs: 300 });
    const [idle, slow] = [client(listener), client(listener)];
    idle.socket.write(post('/direct'));
    slow.socket.write(post('/direct/slow'));
    await idle.closed();
    expect(idle.received()).toContain('202 Accepted');
    respond();
    expect(await slow.responses(1)).toEqual(['/direct/slow abc']);
  });

  test('a request in progress keeps its connection where others come; idle ones give way', async () => {
    const respond = held();
    const listener = await listen({ maxConnections: 2 });
    const slow = client(listener);
    slow.socket.write(post('/direct/slow'));
    await underWay(1);
    const idle = client(listener);
    idle.socket.write(post('/direct'));
    await idle.responses(1);
    const last = client(listener);
    last.socket.write(post('/direct'));
    await last.responses(1);
    await idle.closed();
    respond();
    expect(await slow.responses(1)).toEqual(['/direct/slow abc']);
  });

  test('a stop closes idle connections, and those with a request after their response', async () => {
    const respond = held();
    const listener = await listen({ graceMs: 60_000 });
    const [idle, slow] = [client(listener), client(listener)];
    idle.socket.write(post('/direct'));
    await idle.responses(1);
    slow.socket.write(post('/direct/slow'));
    await underWay(2);
    const stopped = listener.stop();
    await idle.closed();
    respond();
    await stopped;
    await slow.closed();
    expect(slow.received()).toContain('Connection: close');
    expect(slow.received()).toContain('/direct/slow abc');
  });

  test('a stop waits for a request whose body is on its way', async () => {
    const listener = await listen({ graceMs: 60_000 });
    const { socket, received, closed } = client(listener);
    const text = post('/direct');
    socket.write(text.slice(0, -3));
    await sleep(50);
    const stopped = listener.stop();
    await sleep(50);
    socket.write(text.slice(-3));
    await stopped;
    await closed();
    expect(received()).toContain('/direct abc');
    expect(received()).toContain('Connection: close');
  });

  test('a request whose body is on its way keeps its connection where others come', async () => {
    const listener = await listen({ maxConnections: 1 });
    const begun = client(listener);
    const text = post('/direct');
    begun.socket.write(text.slice(0, -3));
    await sleep(50);
    const other = client(listener);
    await other.closed();
    begun.socket.write(text.slice(-3));
    expect(await begun.responses(1)).toEqual(['/direct abc']);
    const next = client(listener);
    next.socket.write(text);
    expect(await next.responses(1)).toEqual(['/direct abc']);
  });

  test('a stop cuts off what is left after the grace', async () => {
    held();
    const listener = await listen({ graceMs: 50 });
    const slow = client(listener);
    slow.socket.write(post('/direct/slow'));
    await underWay(1);
    await listener.stop();
    await slow.closed();
    expect(slow.received()).toBe('');
  });
});

test('on a shared port connections of all its sockets are read directly', async () => {
  const listener = await listen({ sharedPort: true });
  for (let index = 0; index < 40; index += 1) {
    const { socket, responses } = client(listener);
    socket.write(post('/direct'));
    await responses(1);
    socket.destroy();
  }
  expect(ways).toEqual(Array.from({ length: 40 }, () => 'direct /direct'));
});
