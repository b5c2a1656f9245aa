import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import type { GatewayStream } from '../../gateway/stream.ts';
import { TestGateway, temporaryFolder } from '../../gateway/testing/gateway.ts';
import { makeStream } from '../../gateway/testing/stream.ts';
import { createServing } from '../../serving/serving.ts';

const rows = [{ temperature: 0.1, noise: 1 }, [0.9, 2], { temperature: 0.9, noise: null }];

/** `gapline serve` of a stream, until the test ends. */
async function serveOf({ models }: GatewayStream) {
  const logger = pino({ level: 'silent' });
  const serving = createServing({ models, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
  await serving.start();
  onTestFinished(() => serving.stop());
  return serving;
}

async function gatewayOf(...streams: GatewayStream[]) {
  const gateway = await new TestGateway({ streams }).start();
  return { gateway, token: await gateway.admin() };
}

test('labels of a model server are those of the gateway itself, gaps and what fills them too', async () => {
  const stream = await makeStream(temporaryFolder(), 'pumps');
  const { url } = await serveOf(stream);
  const asked = await gatewayOf({ ...stream, serve: { url, model: 'pumps' } });
  const embedded = await gatewayOf(stream);
  const predict = ({ gateway, token }: typeof asked, body: object) => gateway.request('/predict', { token, body });
  expect(await predict(asked, { rows })).toMatchObject({ status: 200, body: (await predict(embedded, { rows })).body });
  for (const wrong of [[[1, 2], [1]], [{ temperature: 1, wrong: 2 }]]) {
    const { status, body } = await predict(embedded, { rows: wrong });
    expect(await predict(asked, { rows: wrong })).toMatchObject({ status, body });
  }
  const status = async (of: typeof asked) => (await of.gateway.request('/status', { token: of.token })).body.streams;
  expect(await status(asked)).toEqual(await status(embedded));
  const sample = await asked.gateway.request('/predict/sample?row=59', { token: asked.token });
  expect(sample.body).toMatchObject({ truth: 'warm', prediction: { label: 'warm' } });
});

test('when another version is promoted, the next request has its labels, and a task those of one version', async () => {
  const stream = await makeStream(temporaryFolder(), 'pumps', [0, 0]);
  await stream.models.point('champion', 1);
  const { url } = await serveOf(stream);
  const { gateway, token } = await gatewayOf({ ...stream, serve: { url, model: 'pumps' } });
  const version = async () => (await gateway.request('/predict', { token, body: { rows } })).body.model.version;
  expect(await version()).toBe(1);
  await stream.models.point('champion', 2);
  await expect.poll(version, { timeout: 30_000 }).toBe(2);
  const many = Array.from({ length: 1_001 }, (_, row) => [row < 600 ? 0.1 : 0.9, 1]);
  const { body } = await gateway.request('/predict', { token, body: { rows: many } });
  const task = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body;
  await expect.poll(async () => (await task()).state, { timeout: 30_000 }).toBe('done');
  const { result } = await task();
  expect([result.model.version, result.predictions.length]).toEqual([2, 1_001]);
  expect([result.predictions[599].label, result.predictions[600].label]).toEqual(['cold', 'warm']);
});

/** A server that answers what it is told to, or ends the connection, and keeps what it was asked. */
async function standIn(answer: (path: string) => { status: number; body: unknown } | undefined) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    await text(request);
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const told = answer(request.url ?? '');
    if (!told) return response.destroy();
    const { status, body } = told;
    response.writeHead(status, { location: 'http://169.254.169.254/', 'retry-after': '7' });
    return response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}

const metadata = {
  name: 'pumps',
  versions: ['1'],
  inputs: [{ name: 'values', parameters: { fields: '["temperature","noise"]', nulls: true } }],
  outputs: [{ name: 'label' }, { name: 'probabilities', parameters: { classes: '["cold","warm"]' } }],
};

interface Case {
  readonly answer: { status: number; body: unknown } | undefined;
  readonly status: number;
  readonly code: string;
  readonly again?: string;
}

const cases: readonly Case[] = [
  { answer: undefined, status: 503, code: 'model-unavailable', again: '5' },
  { answer: { status: 302, body: '' }, status: 503, code: 'model-unavailable' },
  { answer: { status: 500, body: '<html>' }, status: 503, code: 'model-unavailable' },
  { answer: { status: 200, body: 'no JSON' }, status: 503, code: 'model-unavailable' },
  { answer: { status: 200, body: { outputs: [] } }, status: 503, code: 'model-unavailable' },
  { answer: { status: 404, body: { error: 'version 1 is not served' } }, status: 503, code: 'model-unavailable' },
  { answer: { status: 401, body: { error: 'no token' } }, status: 503, code: 'model-unavailable' },
  { answer: { status: 400, body: { error: 'inputs: wrong' } }, status: 400, code: 'request-invalid' },
  { answer: { status: 413, body: { error: 'too large' } }, status: 413, code: 'body-too-large' },
  {
    ...{ answer: { status: 503, body: { error: 'not yet', code: 'state-restoring' } } },
    ...{ status: 503, code: 'state-restoring', again: '7' },
  },
];

const labels = {
  outputs: [
    { name: 'label', data: ['cold', 'warm', 'unknown'] },
    { name: 'probabilities', data: [1, 0, 0, 1, null, null] },
    { name: 'filled', data: [0.1, 1, 0.9, 2, 0.9, null] },
  ],
};

test('what a model server answers that does not label is told with a code, and the next request asks it again', async () => {
  let now: Case['answer'];
  const { url, asked } = await standIn((path) => (path.endsWith('/infer') ? now : { status: 200, body: metadata }));
  const stream = await makeStream(temporaryFolder(), 'pumps', []);
  const { gateway, token } = await gatewayOf({ ...stream, serve: { url, model: 'pumps', token: 'its-token' } });
  const predict = () => gateway.request('/predict', { token, body: { rows } });
  for (const { answer, ...told } of cases) {
    now = answer;
    const { status, body, headers } = await predict();
    const again = headers.get('retry-after');
    expect({ status, code: body.code, ...(told.again && { again }) }, JSON.stringify(answer)).toEqual(told);
  }
  expect(asked.slice(0, 2)).toEqual([
    'GET /v2/models/pumps Bearer its-token',
    'POST /v2/models/pumps/versions/1/infer Bearer its-token',
  ]);
  now = { status: 200, body: labels };
  expect((await predict()).body.predictions).toMatchObject([
    { label: 'cold', probability: 1, gaps: 0 },
    { label: 'warm', probabilities: { cold: 0, warm: 1 } },
    { label: 'unknown', probability: 0, gaps: 1, filled: {} },
  ]);
});

const oddObject: unknown = JSON.parse('{"length":{"toString":1,"valueOf":1}}');

test.each([
  ['names that are not JSON', '[temperature'],
  ['names that are no list', '"temperature"'],
  ['no names', '[]'],
  ['an object in place of names', oddObject],
])('metadata with %s are told with a code', async (_, fields) => {
  const [input] = metadata.inputs;
  const odd = { ...metadata, inputs: [{ ...input, parameters: { fields } }] };
  const { url } = await standIn(() => ({ status: 200, body: odd }));
  const stream = await makeStream(temporaryFolder(), 'pumps', []);
  const { gateway, token } = await gatewayOf({ ...stream, serve: { url, model: 'pumps' } });
  const { status, body } = await gateway.request('/predict', { token, body: { rows } });
  expect([status, body.code]).toEqual([503, 'model-unavailable']);
  expect(body.detail).toContain('inputs.0.parameters.fields');
});

test('a model server that cannot be reached is told; the gateway shows that none serves', async () => {
  const { url, close } = await standIn(() => undefined);
  await close();
  const stream = await makeStream(temporaryFolder(), 'pumps', []);
  const { gateway, token } = await gatewayOf({ ...stream, serve: { url, model: 'pumps' } });
  const { status, body } = await gateway.request('/predict', { token, body: { rows } });
  expect({ status, code: body.code }).toEqual({ status: 503, code: 'model-unavailable' });
  const shown = await gateway.request('/status', { token });
  expect(shown).toMatchObject({ status: 200, body: { streams: [{ stream: 'pumps', model: null }] } });
});

test('no request names the address of the model server', async () => {
  const { url, asked } = await standIn(() => ({ status: 200, body: metadata }));
  const stream = await makeStream(temporaryFolder(), 'pumps', []);
  const { gateway, token } = await gatewayOf({ ...stream, serve: { url, model: '../../admin' } });
  for (const body of [
    { rows, serve: 'http://169.254.169.254/' },
    { rows, url: 'http://169.254.169.254/' },
  ])
    expect((await gateway.request('/predict', { token, body })).status).toBe(400);
  expect(asked).toEqual([]);
  await gateway.request('/predict', { token, body: { rows } });
  expect(asked[0]).toContain('/v2/models/..%2F..%2Fadmin ');
});
