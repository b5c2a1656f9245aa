import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';

test('once there is a token the endpoints require it; a revoked one is worthless', { timeout: 60_000 }, async () => {
  const data = temporaryFolder();
  const tokens = (...args: string[]) => gapline(['tokens', ...args, '--data', data]).ended;
  const made = await tokens('add', 'pumps');
  expect(made.code).toBe(0);
  const token = made.stdout.trim();
  const listed = (await tokens('list')).stdout;
  expect(listed).toMatch(/^pumps\twrite\t\d{4}-/);
  expect(listed).not.toContain(token);

  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const line = gapline(['up', '--config', spambase, '--data', data, '--no-generator', ...ports]);
  const url = await line.printed(/POST (\S+)/);
  let second = 0;
  const post = async (headers: Record<string, string>) => {
    second += 1;
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
    const body = JSON.stringify({ device: 'd', time, values: {} });
    return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }))
      .status;
  };
  expect(await post({})).toBe(401);
  expect(await post({ authorization: 'Bearer wrong' })).toBe(401);
  expect(await post({ authorization: `Bearer ${token}` })).toBe(202);
  expect(await post({ authorization: `Token ${token}` })).toBe(202);
  expect((await fetch(new URL('/health', url))).status).toBe(200);

  expect((await tokens('revoke', 'pumps')).code).toBe(0);
  await eventually(async () => (await post({ authorization: `Bearer ${token}` })) === 401);
  line.kill('SIGTERM');
  const ended = await line.ended;
  expect(ended.code).toBe(0);
  expect(ended.stdout + ended.stderr).not.toContain(token);
  expect((await tokens('revoke', 'nobody')).code).toBe(1);
});

const stages = [
  ['up', '--no-generator', '--collector-port', '0', '--page-port', '0'],
  ['collect', '--port', '0'],
  ['dashboard', '--port', '0'],
  ['serve', '--port', '0'],
];

test.each(stages)('%s listens to no other machine without tokens', { timeout: 60_000 }, async (...command) => {
  const args = ['--config', spambase, '--data', temporaryFolder(), '--host', '0.0.0.0', '--log-level', 'error'];
  const ended = await gapline([...command, ...args], { env: { GAPLINE_TOKEN: '' } }).ended;
  expect(ended.stderr).toMatch(/^gapline: the .* would listen on 0\.0\.0\.0 without tokens.*\[access-required\]\n$/);
  expect([ended.code, ended.stdout]).toEqual([1, '']);
});

test('a token of the environment opens them to its holders', { timeout: 60_000 }, async () => {
  const args = ['--config', spambase, '--data', temporaryFolder(), '--host', '0.0.0.0', '--port', '0'];
  const stage = gapline(['serve', ...args, '--log-level', 'error'], { env: { GAPLINE_TOKEN: 'sesame' } });
  const port = await stage.printed(/model: http:.*:(\d+)/);
  const status = async (headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${port}/v2/models/spambase`, { headers })).status;
  expect(await status()).toBe(401);
  expect(await status({ authorization: 'Bearer sesame' })).toBe(200);
  stage.kill('SIGTERM');
  expect((await stage.ended).code).toBe(0);
});

test('a line on loopback needs no token and says so; its own devices continue when there is one', {
  timeout: 60_000,
}, async () => {
  const data = temporaryFolder();
  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const up = (...more: string[]) => gapline(['up', '--config', spambase, '--data', data, ...ports, ...more]);
  const open = await up('--labels', '5').ended;
  expect(open.stdout).toMatch(/^access: +from this machine only, without a token$/m);
  expect(open.code).toBe(0);
  expect((await gapline(['tokens', 'add', 'pumps', '--data', data]).ended).code).toBe(0);
  const closed = await up('--labels', '5').ended;
  expect(closed.stdout).toMatch(/^access: +with a token/m);
  expect(closed.stdout).toMatch(/\d+ labels/);
  expect(closed.code).toBe(0);
});

test('a running endpoint that was open requires one from the first token on', { timeout: 60_000 }, async () => {
  const data = temporaryFolder();
  const stage = gapline(['serve', '--config', spambase, '--data', data, '--port', '0', '--log-level', 'error']);
  const url = await stage.printed(/model: (\S+)/);
  const status = async () => (await fetch(`${url}/v2/models/spambase`)).status;
  expect(await status()).toBe(200);
  expect((await gapline(['tokens', 'add', 'pumps', '--data', data]).ended).code).toBe(0);
  await eventually(async () => (await status()) === 401);
  stage.kill('SIGTERM');
  expect((await stage.ended).code).toBe(0);
});
