import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { makeStream } from '../testing/stream.ts';

/** A generator's control endpoint, which answers what it is told to, and keeps what it was asked. */
async function scene(answer: (asked: string) => { status: number; body: string }) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${await text(request)}`);
    const { status, body } = answer(asked.at(-1) ?? '');
    response.writeHead(status, { location: '/elsewhere' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = temporaryFolder();
  const pumps = { ...(await makeStream(folder, 'pumps', [])), generator: { url, token: 'its-token' } };
  const motors = await makeStream(folder, 'motors', []);
  const gateway = await new TestGateway({ streams: [pumps, motors] }).start();
  return { gateway, asked };
}

const state = { running: true, rate: 20, accepted: 7 };

test('an operator looks at the generator of a stream and changes it; others may not', async () => {
  const { gateway, asked } = await scene(() => ({ status: 200, body: JSON.stringify(state) }));
  const operator = await gateway.user('oz', [{ role: 'operator', stream: 'pumps' }]);
  const change = { stream: 'pumps', rate: 20 };
  expect(await gateway.request('/simulate', { token: operator, body: change })).toMatchObject({
    status: 200,
    body: state,
  });
  expect(await gateway.request('/simulate?stream=pumps', { token: operator })).toMatchObject({ body: state });
  expect(asked).toEqual(['POST /control Bearer its-token {"rate":20}', 'GET /control Bearer its-token ']);
  const user = await gateway.user('ann', [{ role: 'user', stream: '*' }]);
  const other = await gateway.user('mo', [{ role: 'admin', stream: 'motors' }]);
  for (const token of [user, other])
    expect(await gateway.request('/simulate', { token, body: change })).toMatchObject({ status: 403 });
  expect(asked).toHaveLength(2);
  const none = await gateway.request('/simulate', { token: other, body: { stream: 'motors', running: false } });
  expect(none).toMatchObject({ status: 404, body: { detail: expect.stringContaining('gateway.generator') } });
});

test('no request names an address, and a generator that answers anything else is told as away', async () => {
  const answers = [
    { status: 302, body: '' },
    { status: 500, body: '{}' },
    { status: 200, body: '{"running":"yes"}' },
    { status: 200, body: 'x'.repeat(20_000) },
  ];
  const { gateway } = await scene(() => answers.shift() ?? { status: 200, body: '' });
  const token = await gateway.admin();
  for (let answer = 0; answer < 5; answer++)
    expect(await gateway.request('/simulate?stream=pumps', { token })).toMatchObject({
      status: 503,
      body: { code: 'generator-unavailable' },
    });
  const body = { stream: 'pumps', url: 'http://169.254.169.254/' };
  expect(await gateway.request('/simulate', { token, body })).toMatchObject({ status: 400 });
});
