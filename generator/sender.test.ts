import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { createSender } from './sender.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A collector that answers by turns, then with 202; and a sender to it. */
async function open(...answers: readonly Answer[]) {
  const requests: { readonly body: string; readonly headers: IncomingMessage['headers'] }[] = [];
  const turns = [...answers];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ body: Buffer.concat(chunks).toString(), headers: request.headers });
      (turns.shift() ?? ((_, reply) => reply.writeHead(202).end()))(request, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const retried = vi.fn();
  const logger = pino({ level: 'silent' });
  const url = `http://127.0.0.1:${port}`;
  const sender = createSender({ url, token: 'secret', connections: 2, logger, retried, timeoutMs: 2_000 });
  return { sender, requests, retried };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end(body);
const batchOf = (...lines: string[]) => ({ body: Buffer.from(lines.join('\n')), identities: lines });
const quiet = new AbortController().signal;
const never = { abort: quiet, stop: quiet };

test('one reading is JSON, several are NDJSON; the token is sent along', async () => {
  const { sender, requests } = await open();
  await sender.post(batchOf('{"a":1}'), never);
  await sender.post(batchOf('{"a":1}', '{"ä":2}'), never);
  expect(requests.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}\n{"ä":2}']);
  expect(requests.map(({ headers }) => headers['content-type'])).toEqual(['application/json', 'application/x-ndjson']);
  expect(requests[0]!.headers.authorization).toBe('Bearer secret');
  sender.close();
});

test.each([408, 429, 500, 502, 503, 504])('%d is tried again', async (code) => {
  const { sender, requests, retried } = await open(status(code), status(code));
  await sender.post(batchOf('{"a":1}'), never);
  expect(requests.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  expect(retried).toHaveBeenCalledTimes(2);
  sender.close();
});

test('a broken connection and half an answer are tried again', async () => {
  const half: Answer = (_, response) => {
    response.writeHead(202, { 'content-length': '100' });
    response.write('{');
    setTimeout(() => response.destroy(), 10);
  };
  const { sender, requests } = await open((request) => request.socket.destroy(), half);
  await sender.post(batchOf('{"a":1}'), never);
  expect(requests).toHaveLength(3);
  sender.close();
});

test('a collector that never answers is tried again', async () => {
  const { sender, requests } = await open(() => {});
  await sender.post(batchOf('{"a":1}'), never);
  expect(requests).toHaveLength(2);
  sender.close();
});

test('Retry-After is honoured, by all', async () => {
  const { sender } = await open(status(503, { 'retry-after': '1' }));
  const startedMs = performance.now();
  await sender.post(batchOf('{"a":1}'), never);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(950);
  sender.close();
});

test('a clock that is set back does not make a pause longer', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const setBack: Answer = (_, response) => {
      response.writeHead(503, { 'retry-after': '1' }).end();
      response.once('finish', () => setTimeout(() => vi.setSystemTime(Date.now() - 3_600_000), 300));
    };
    const { sender, requests } = await open(setBack);
    await sender.post(batchOf('{"a":1}'), never);
    expect(requests).toHaveLength(2);
    sender.close();
  } finally {
    vi.useRealTimers();
  }
});

test.each([400, 401, 403, 404, 413, 415, 422])('%d stops with what the problem says', async (code) => {
  const problem = {
    title: 'T',
    detail: 'one reading is wrong',
    errors: [{ pointer: '/values/a', detail: 'not a number' }],
  };
  const { sender, requests } = await open(status(code, {}, JSON.stringify(problem)));
  const refused = sender.post(batchOf('{"a":1}'), never);
  await expect(refused).rejects.toMatchObject({ code: 'collector-refused', retryable: false });
  await expect(refused).rejects.toThrow(`answered ${code}: one reading is wrong; /values/a: not a number`);
  expect(requests).toHaveLength(1);
  sender.close();
});

test('a page of a proxy is quoted, on one line', async () => {
  const { sender } = await open(status(404, {}, '<html>\n  not here</html>'));
  await expect(sender.post(batchOf('{}'), never)).rejects.toThrow('answered 404: <html> not here</html>');
  sender.close();
});

test('a stop ends the attempts, an abort the request too', async () => {
  const stop = new AbortController();
  const { sender, requests } = await open(status(503, { 'retry-after': '3600' }), () => {});
  const stopped = expect(sender.post(batchOf('{"a":1}'), { ...never, stop: stop.signal })).rejects.toThrow(/abort/i);
  await vi.waitFor(() => expect(requests).toHaveLength(1));
  stop.abort();
  await stopped;
  sender.close();

  const abort = new AbortController();
  const other = await open(() => {});
  const aborted = expect(other.sender.post(batchOf('{"a":1}'), { ...never, abort: abort.signal })).rejects.toThrow(
    /abort/i,
  );
  await vi.waitFor(() => expect(other.requests).toHaveLength(1));
  abort.abort();
  await aborted;
  other.sender.close();
});
