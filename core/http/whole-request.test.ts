import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wholeRequest } from './whole-request.ts';

const socket = new Socket();
const read = (text: string) => {
  const request = wholeRequest(Buffer.from(text, 'latin1'), socket);
  if (request === undefined || 'missing' in request) return request;
  return { url: request.url, headers: { ...request.headers }, body: request.body.toString('latin1') };
};
const head = (...lines: string[]) => ['POST /readings?precision=ms HTTP/1.1', 'Host: a', ...lines].join('\r\n');

test('a request that is whole', () => {
  expect(read(`${head('Content-Type:  text/plain \t', 'X-Empty:', 'content-length: 3')}\r\n\r\nabc`)).toEqual({
    url: '/readings?precision=ms',
    headers: { host: 'a', 'content-type': 'text/plain', 'x-empty': '', 'content-length': '3' },
    body: 'abc',
  });
});

test('a request of which a part of the body came', () => {
  expect(read(`${head('Content-Length: 5')}\r\n\r\nabc`)).toEqual({ missing: 2 });
  expect(read(`${head('Content-Length: 5')}\r\n\r\n`)).toEqual({ missing: 5 });
});

test.each([
  ['a head that has not ended', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n'],
  ['more than one request', `${head('Content-Length: 2')}\r\n\r\nabc`],
  ['no length', `${head()}\r\n\r\n`],
  ['chunks', `${head('Transfer-Encoding: chunked', 'Content-Length: 5')}\r\n\r\n0\r\n\r\n`],
  ['two lengths', `${head('Content-Length: 3', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a length with a sign', `${head('Content-Length: +3')}\r\n\r\nabc`],
  ['a length in hexadecimal', `${head('Content-Length: 0x3')}\r\n\r\nabc`],
  ['a list of lengths', `${head('Content-Length: 3, 3')}\r\n\r\nabc`],
  ['a header that came twice', `${head('A: 1', 'a: 2', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a continued header', `${head('A: 1', ' 2', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a blank before the colon', `${head('A : 1', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a bare line feed', `${head('A: 1\nContent-Length: 4', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a bare carriage return', `${head('A: 1\rB: 2', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a NUL', `${head('A: \0', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a header beyond ASCII', `${head('A: é', 'Content-Length: 3')}\r\n\r\nabc`],
  ['no host', 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc'],
  ['an old version', 'POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['another method', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['a fragment', 'POST /#a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['a whole address', 'POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['two blanks', 'POST  / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
  ['a connection that is to close', `${head('Connection: close', 'Content-Length: 3')}\r\n\r\nabc`],
  ['an upgrade', `${head('Connection: upgrade', 'Upgrade: h2c', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a wish to continue', `${head('Expect: 100-continue', 'Content-Length: 3')}\r\n\r\nabc`],
  ['a proxy that is to close', `${head('Proxy-Connection: close', 'Content-Length: 3')}\r\n\r\nabc`],
  [
    'very many headers',
    `${head(...Array.from({ length: 101 }, (_, n) => `A${n}: 1`), 'Content-Length: 3')}\r\n\r\nabc`,
  ],
  ['a head that is too large', `${head(`A: ${'x'.repeat(8_000)}`, 'Content-Length: 3')}\r\n\r\nabc`],
])('%s is left to node:http', (_, text) => {
  expect(read(text)).toBeUndefined();
});

test('long runs of blanks take no time', () => {
  const began = performance.now();
  const blanks = ' '.repeat(7_800);
  for (let turn = 0; turn < 200; turn += 1) {
    expect(read(`${head(`A:${blanks}\x80`, 'Content-Length: 3')}\r\n\r\nabc`)).toBeUndefined();
    expect(read(`${head(`A:${blanks}x${turn}`, 'Content-Length: 3')}\r\n\r\nabc`)).toMatchObject({
      headers: { a: `x${turn}` },
    });
  }
  // Tried at every place anew, they took 150 ms each.
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('heads are remembered by all of their bytes, and not without end', () => {
  for (let index = 0; index < 2_000; index += 1)
    expect(read(`${head(`X-Index: ${index}`, 'Content-Length: 0')}\r\n\r\n`)).toMatchObject({
      headers: { 'x-index': String(index) },
    });
  const withToken = (token: string) => `${head(`Authorization: Bearer ${token}`, 'Content-Length: 0')}\r\n\r\n`;
  expect(read(withToken('a'))).toMatchObject({ headers: { authorization: 'Bearer a' } });
  expect(read(withToken('b'))).toMatchObject({ headers: { authorization: 'Bearer b' } });
});

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What node:http reads from bytes, all its requests. */
let seen: Seen[] = [];
const server = createServer((request, response) => {
  const { url, headers } = request;
  request
    .setEncoding('latin1')
    .toArray()
    .then(
      (parts) => {
        seen.push({ url, headers: { ...headers }, body: parts.join('') });
        response.end();
      },
      () => {},
    );
});
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => server.close());

async function readByNode(text: string): Promise<Seen[]> {
  seen = [];
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {}).resume();
  client.end(Buffer.from(text, 'latin1'));
  await once(client, 'close');
  return seen;
}

const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('\r\n', '\n', '\r', ' ', '\t', ':', ',', '\0', '\v', '\x7f', 'é', '"', '#', '?'),
  },
  fc.constantFrom('Content-Length: 3\r\n', 'Content-Length: 4\r\n', 'Transfer-Encoding: chunked\r\n', 'A: b\r\n'),
  fc.constantFrom(
    'Host: b\r\n',
    'Connection: keep-alive\r\n',
    '__proto__: a\r\n',
    'Cookie: a=1\r\n',
    'HTTP/1.1',
    'POST',
  ),
);
const sound = `POST /a?b=c HTTP/1.1\r\nHost: localhost\r\nX-Name: value, other\r\nContent-Length: 3\r\n\r\nabc`;

test('what is taken is what node:http reads, whatever was changed in a request', async () => {
  let taken = 0;
  const property = fc.asyncProperty(
    fc.array(fc.tuple(fc.nat(sound.length), fc.nat(3), fc.option(piece, { nil: '' })), { maxLength: 2 }),
    async (changes) => {
      let text = sound;
      for (const [at, cut, inserted] of changes) text = text.slice(0, at) + inserted + text.slice(at + cut);
      const request = read(text);
      if (request === undefined || 'missing' in request) return;
      taken += 1;
      expect(await readByNode(text)).toEqual([request]);
    },
  );
  await fc.assert(property, { numRuns: 5_000, examples: [[[]]] });
  expect(taken).toBeGreaterThan(200);
});
