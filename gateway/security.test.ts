import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { adminPassword, TestGateway } from './testing/gateway.ts';

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('forged tokens are refused: no signature, another algorithm, another key, another use, changed claims', async () => {
  const gateway = await new TestGateway().start();
  const { body } = await gateway.signIn('admin', adminPassword);
  const token: string = body.access_token;
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = claimsOf(token);
  const secret = Buffer.from(readFileSync(join(gateway.folder, 'gateway.secret'), 'utf8').trim(), 'hex');
  const signed = (changes: object, alg = 'HS256', key: Parameters<SignJWT['sign']>[0] = secret) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg }).sign(key);
  const { privateKey } = await generateKeyPair('RS256');
  const forged = {
    'alg none': new UnsecuredJWT(claims).encode(),
    'alg None, signature kept': `${encode({ alg: 'None' })}.${payload}.${signature}`,
    'no signature': `${header}.${payload}.`,
    RS256: await signed({}, 'RS256', privateKey),
    'HS512 with the right key': await signed({}, 'HS512', Buffer.concat([secret, secret])),
    'another key': await signed({}, 'HS256', Buffer.alloc(32, 1)),
    'an empty key': await signed({}, 'HS256', Buffer.alloc(32)),
    'a refresh token': body.refresh_token,
    'another user': await signed({ sub: 'somebody' }),
    'a session that never was': await signed({ session: 'none' }),
    'another issuer': await signed({ iss: 'somebody' }),
    'no session': await signed({ session: undefined }),
    'no end': await signed({ exp: undefined }),
    'changed claims': `${header}.${encode({ ...claims, sub: 'somebody' })}.${signature}`,
    noise: 'a.b.c',
    'an object as session': await signed({ session: { $ne: '' } }),
  };
  expect((await gateway.request('/users/me', { token: await signed({}) })).status, 'the method of this test').toBe(200);
  // What was verified is not verified again: no forged one may pass for it.
  expect((await gateway.request('/users/me', { token })).status).toBe(200);
  for (const [name, token] of Object.entries(forged))
    expect({ name, ...(await gateway.request('/users/me', { token })) }).toMatchObject({
      name,
      status: 401,
      body: { code: 'session-ended' },
    });
  const asRefresh = await gateway.request('/auth/jwt/refresh', { body: { refresh_token: token } });
  expect(asRefresh.status).toBe(401);
});

test('roles cannot be given in a registration, a sign-in or a change of password', async () => {
  const gateway = await new TestGateway({ config: { registration: 'open' } }).start();
  const eve = { username: 'eve', password: 'a password of eve' };
  const more = { roles: [{ role: 'admin', stream: '*' }], role: 'admin', disabled: false, id: '1', is_superuser: true };
  for (const [name, value] of Object.entries(more)) {
    const answer = await gateway.request('/auth/register', { body: { ...eve, [name]: value } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request-invalid', errors: [{ code: 'unknown' }] } });
  }
  await gateway.request('/auth/register', { body: eve });
  const { body } = await gateway.request('/auth/jwt/login', { body: { ...eve, ...more } });
  const me = await gateway.request('/users/me', { token: body.access_token });
  expect(me.body.roles).toEqual([{ role: 'user', stream: '*' }]);
  const changed = await gateway.request('/users/me/password', {
    ...{ method: 'PUT', token: body.access_token },
    body: { old: eve.password, new: 'another password', ...more },
  });
  expect(changed.status).toBe(400);
});

test.each(['../admin', '..%2f..%2fetc%2fpasswd', 'a/b', 'a\u0000b', '__proto__', '', 'x'.repeat(101)])(
  'no user is named %j',
  async (username) => {
    const gateway = await new TestGateway({ config: { registration: 'open' } }).start();
    const answer = await gateway.request('/auth/register', { body: { username, password: 'a long password' } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request-invalid' } });
  },
);

test('a wrong password, an unknown user and a disabled one give the same response', async () => {
  const gateway = await new TestGateway().start();
  await gateway.user('ben', [{ role: 'user', stream: '*' }]);
  const disabled = { method: 'PUT', token: await gateway.admin(), body: { disabled: true } };
  await gateway.request('/users/ben/disabled', disabled);
  const answers = [
    await gateway.signIn('admin', 'wrong'),
    await gateway.signIn('nobody', 'wrong'),
    await gateway.signIn('ben', 'the password of ben'),
  ];
  for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 401, body: answers[0]?.body });
});

test('passwords, codes and tokens are in no line of the audit and in no file but as hashes', async () => {
  const gateway = await new TestGateway().start();
  await gateway.user('ben', [{ role: 'user', stream: '*' }]);
  const { body } = await gateway.signIn('admin', adminPassword);
  const code = (await gateway.request('/users/ben/reset', { method: 'POST', token: body.access_token })).body.code;
  await gateway.stop();
  const files = ['app.log', 'gateway.db'].map((name) => readFileSync(join(gateway.folder, name), 'latin1'));
  const all = [...files, ...gateway.lines].join('\n');
  expect(all).toContain('ben');
  for (const secret of [adminPassword, 'the password of ben', code, body.access_token, body.refresh_token])
    expect(all).not.toContain(secret);
});

test('a page of another site is refused, and a request without a valid token is counted by address', async () => {
  const gateway = await new TestGateway().start();
  const foreign = await gateway.request('/users/me', { headers: { origin: 'https://evil.example' } });
  expect(foreign).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  const token = await gateway.admin();
  let last = 0;
  for (let request = 0; request < 61; request++) last = (await gateway.request('/users/me', { token: 'wrong' })).status;
  expect(last).toBe(429);
  expect((await gateway.request('/users/me', { token })).status).toBe(200);
});

test('a user beyond the limit gets 429 with headers, and nobody else does', async () => {
  const config = { limits: { 'sign-in': 1_000, read: 3, change: 1_000 } };
  const gateway = await new TestGateway({ config }).start();
  const [ben, admin] = [await gateway.user('ben', [{ role: 'user', stream: '*' }]), await gateway.admin()];
  for (let request = 0; request < 3; request++) {
    const { status, headers } = await gateway.request('/users/me', { token: ben });
    expect({ status, limit: headers.get('ratelimit') }).toEqual({
      status: 200,
      limit: expect.stringContaining(`"read"; r=${2 - request}`),
    });
  }
  const refused = await gateway.request('/users/me', { token: ben });
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await gateway.request('/users/me', { token: admin })).status).toBe(200);
});

test('by default a user has 180 predictions a minute, an administrator 5 trainings and updates', async () => {
  const gateway = await new TestGateway({ config: { limits: {} } }).start();
  const [user, admin] = [await gateway.user('ann', [{ role: 'user', stream: '*' }]), await gateway.admin()];
  const left = async (path: string, token: string) =>
    (await gateway.request(path, { token, body: {} })).headers.get('ratelimit');
  expect(await left('/predict', user)).toContain('"predict"; r=179');
  expect(await left('/train', admin)).toContain('"start"; r=4');
  expect(await left('/update', admin)).toContain('"start"; r=3');
});

test('a limit of its own for each role: the greatest role of a user counts', async () => {
  const read = { viewer: 1, user: 2, operator: 1_000, admin: 1_000 };
  const gateway = await new TestGateway({ config: { limits: { 'sign-in': 1_000, read, change: 1_000 } } }).start();
  for (const [name, roles, allowed] of [
    ['vic', ['viewer'], 1],
    ['ann', ['viewer', 'user'], 2],
  ] as const) {
    const grants = roles.map((role) => ({ role, stream: '*' }));
    const token = await gateway.user(name, grants);
    const statuses: number[] = [];
    for (let request = 0; request <= allowed; request++)
      statuses.push((await gateway.request('/users/me', { token })).status);
    expect({ name, statuses }).toEqual({ name, statuses: [...new Array(allowed).fill(200), 429] });
  }
});
