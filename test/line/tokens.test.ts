import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';

test('once there is a token the doors ask for it; a revoked one is worthless', { timeout: 60_000 }, async () => {
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
  const [, url] = await line.printed(/POST (\S+)/);
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
