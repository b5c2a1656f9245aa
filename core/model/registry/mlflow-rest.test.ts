import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MlflowAddress, MlflowRest } from './mlflow-rest.ts';

/** A server that responds as a test says, and remembers what it was asked. */
let server: Server;
let url = '';
let response: { status: number; body: string; headers?: Record<string, string> };
let asked: IncomingMessage[];

beforeEach(async () => {
  asked = [];
  response = { status: 200, body: '{}' };
  server = createServer((request, into) => {
    asked.push(request);
    request.resume();
    into.writeHead(response.status, response.headers).end(response.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  url = `http://127.0.0.1:${address.port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const get = (login: Partial<MlflowAddress> = {}) => new MlflowRest({ url: `${url}/`, ...login }).get('runs/get', {});

it.each([
  [{}, undefined],
  [{ username: 'ada', password: 'pö:ss' }, `Basic ${Buffer.from('ada:pö:ss').toString('base64')}`],
  [{ username: 'ada', token: 'secret' }, 'Bearer secret'],
])('logs in with %o', async (login, header) => {
  await get(login);
  expect(asked.map(({ headers, url: path }) => [path, headers.authorization])).toEqual([
    ['/api/2.0/mlflow/runs/get', header],
  ]);
});

it.each([
  [{}, /with 401: no; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN$/],
  [{ username: 'ada', password: 'old' }, /; check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD$/],
  [{ token: 'old' }, /; check MLFLOW_TRACKING_TOKEN$/],
])('says which variables to look at where a login with %o is refused', async (login, message) => {
  response = { status: 401, body: 'no' };
  await expect(get(login)).rejects.toMatchObject({ message: expect.stringMatching(message) });
});

it.each([
  [401, 'no', 'registry-refused', false, /with 401: no/],
  [403, '{"error_code":"PERMISSION_DENIED","message":"not yours"}', 'registry-refused', false, /403: not yours/],
  [404, '{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no run"}', 'registry-refused', false, /no run/],
  [502, '<html><b>Bad</b>\ngateway</html>', 'registry-unavailable', true, /502: Bad gateway/],
  [429, 'slower', 'registry-unavailable', true, /429: slower/],
  [200, '<html>a page</html>', 'registry-refused', false, /gives no JSON: is that MLflow\?/],
])('takes %i %j for %s', async (status, body, code, retryable, message) => {
  response = { status, body };
  await expect(get()).rejects.toMatchObject({ code, retryable, message: expect.stringMatching(message) });
});

it.each([
  [200, { 'content-disposition': 'attachment; filename=f' }, 'bytes'],
  [200, {}, undefined],
  [302, { location: '/login' }, undefined],
  [403, {}, undefined],
  [404, {}, undefined],
  [405, {}, undefined],
  [500, {}, undefined],
  [501, {}, undefined],
])('takes an attachment with %i %o for %s', async (status, headers, text) => {
  response = { status, headers, body: 'bytes' };
  const bytes = await new MlflowRest({ url }).attachment('get-artifact', { run_id: '1', path: 'a b/f' }, 100);
  expect(bytes && Buffer.from(bytes).toString()).toBe(text);
  expect(asked.map((request) => request.url)).toEqual(['/get-artifact?run_id=1&path=a+b%2Ff']);
});

it('does not take a server that fails for one that has no attachment', async () => {
  response = { status: 503, body: 'later' };
  await expect(new MlflowRest({ url }).attachment('get-artifact', {}, 100)).rejects.toMatchObject({
    code: 'registry-unavailable',
    retryable: true,
  });
});

it('bounds what it reads', async () => {
  response = { status: 200, body: 'x'.repeat(2_000) };
  const rest = new MlflowRest({ url });
  await expect(rest.download('1/run/model.json', 1_000)).rejects.toMatchObject({
    code: 'registry-unavailable',
    message: expect.stringMatching(/longer than 1000 bytes/),
  });
  expect(Buffer.from(await rest.download('1/a b/ü', 5_000)).toString()).toBe(response.body);
  expect(asked.at(-1)?.url).toBe('/api/2.0/mlflow-artifacts/artifacts/1/a%20b/%C3%BC');
});
