import pino from 'pino';
import { expect, test } from 'vitest';
import { Access } from '../core/access/access.ts';
import { TestGateway, temporaryFolder } from './testing/gateway.ts';
import { makeStream } from './testing/stream.ts';

const metricsOf = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}/metrics`, { headers });
  return { status: response.status, text: await response.text() };
};

test('requests and tasks are counted by what became of them', async () => {
  const gateway = await new TestGateway({ streams: [await makeStream(temporaryFolder(), 'pumps')] }).start();
  const token = await gateway.admin();
  await gateway.signIn('admin', 'wrong password');
  const rows = Array.from({ length: 1_001 }, () => [0.1, 1]);
  const { body } = await gateway.request('/predict', { token, body: { rows } });
  const state = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body.state;
  await expect.poll(state, { timeout: 30_000 }).toBe('done');
  const shown = async () => (await metricsOf(gateway.url)).text;
  // A response is counted when it is over, which its reader may see a moment earlier.
  for (const line of [
    'gapline_gateway_requests_total{operation="POST /auth/jwt/login",status="200"} 1',
    'gapline_gateway_requests_total{operation="POST /auth/jwt/login",status="401"} 1',
    'gapline_gateway_request_seconds_count{operation="POST /predict"} 1',
    'gapline_gateway_tasks_ended_total{kind="predict",state="done"} 1',
    'gapline_gateway_tasks{kind="predict",state="queued"} 0',
    'gapline_gateway_hashes_waiting 0',
  ])
    await expect.poll(shown, { timeout: 30_000 }).toContain(line);
  expect((await gateway.request('/metrics', { method: 'POST', body: {} })).status).toBe(405);
});

test('metrics are for holders of a token with the scope read, which is no access token; without any, for this machine', async () => {
  const logger = pino({ level: 'silent' });
  const access = new Access({ token: 'a-token-of-prometheus', logger });
  access.start();
  const gateway = await new TestGateway({ access }).start();
  expect((await metricsOf(gateway.url)).status).toBe(401);
  expect((await metricsOf(gateway.url, { authorization: `Bearer ${await gateway.admin()}` })).status).toBe(401);
  expect((await metricsOf(gateway.url, { authorization: 'Bearer a-token-of-prometheus' })).status).toBe(200);
  expect((await gateway.request('/users/me', { token: 'a-token-of-prometheus' })).status).toBe(401);
  const beyond = await new TestGateway({ access: new Access({ logger }), host: '0.0.0.0' }).start();
  const { port } = new URL(beyond.url);
  expect((await metricsOf(`http://127.0.0.1:${port}`)).status).toBe(401);
});
