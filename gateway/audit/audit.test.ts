import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { AppLog } from './app-log.ts';

test('who did what is kept with the id of the request, printed, and found by user and action', async () => {
  const gateway = await new TestGateway().start();
  const token = await gateway.admin();
  const roles = [{ role: 'viewer', stream: 'pumps' }];
  const added = await gateway.request('/users', { token, body: { username: 'ben', roles } });
  await gateway.signIn('ben', 'wrong password');
  const { body } = await gateway.request('/audit?user=admin&action=add%20user', { token });
  expect(body.records).toMatchObject([
    {
      ...{ action: 'add user', user: 'admin', name: 'ben', roles: JSON.stringify(roles), status: 201 },
      ...{ address: '127.0.0.1', request: added.headers.get('x-request-id') },
    },
  ]);
  const refused = { action: 'sign-in', name: 'ben', status: 401, code: 'credentials-invalid' };
  expect((await gateway.request('/audit?limit=1', { token })).body.records).toMatchObject([refused]);
  expect((await gateway.request('/audit?user=ben', { token })).body.records).toMatchObject([refused]);
  const printed = gateway.lines.map((line) => JSON.parse(line));
  expect(printed).toEqual(
    readFileSync(join(gateway.folder, 'app.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  expect(printed.at(-1)).toMatchObject(refused);
});

test('the file is put aside when it is full, and never more than so many are kept', async () => {
  const folder = temporaryFolder();
  const log = new AppLog({ file: join(folder, 'app.log'), bytes: 100, kept: 2 });
  for (let line = 0; line < 50; line++) log.write(`line ${String(line).padStart(4, '0')}`);
  expect(readdirSync(folder).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2']);
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(100);
  expect(await log.newest(12, () => true)).toEqual(Array.from({ length: 12 }, (_, back) => `line 00${49 - back}`));
  const again = new AppLog({ file: join(folder, 'app.log'), bytes: 100, kept: 2 });
  again.write('after a restart');
  expect(await again.newest(2, () => true)).toEqual(['after a restart', 'line 0049']);
});

test('an id that a proxy gave is kept where it is sound', async () => {
  const gateway = await new TestGateway().start();
  const idFor = async (given: string) =>
    (await gateway.request('/health', { headers: { 'x-request-id': given } })).headers.get('x-request-id');
  expect(await idFor('proxy-42')).toBe('proxy-42');
  expect(await idFor('"><script>')).toMatch(/^[\w-]{36}$/);
});
