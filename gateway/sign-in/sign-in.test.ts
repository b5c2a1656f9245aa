import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adminPassword, cheap, TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { defaultCost, Passwords } from '../users/passwords.ts';
import { VerifiedTokens } from './verified.ts';

const open = { config: { registration: 'open' } };
const ann = { username: 'ann', password: 'a password of ann' };

test('a user registers where that is open, signs in by form and by JSON, and sees who is signed in', async () => {
  const gateway = await new TestGateway(open).start();
  const registered = await gateway.request('/auth/register', { body: ann });
  expect(registered).toMatchObject({
    status: 201,
    body: { username: 'ann', disabled: false, roles: [{ role: 'user', stream: '*' }] },
  });
  expect(await gateway.request('/auth/register', { body: { ...ann, username: 'ANN' } })).toMatchObject({
    status: 400,
    body: { code: 'name-taken' },
  });
  const byForm = await gateway.signIn(ann.username, ann.password);
  const byJson = await gateway.request('/auth/jwt/login', { body: ann });
  for (const { status, body } of [byForm, byJson]) {
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900 });
    const me = await gateway.request('/users/me', { token: body.access_token });
    expect(me).toMatchObject({ status: 200, body: { username: 'ann' } });
    expect(JSON.stringify(me.body)).not.toContain('scrypt');
  }
});

test('nobody may register unless that is open', async () => {
  const gateway = await new TestGateway().start();
  const refused = await gateway.request('/auth/register', { body: ann });
  expect(refused).toMatchObject({ status: 403, body: { code: 'registration-closed', status: 403 } });
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(refused.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
});

test('a session outlives a restart; signing out makes its tokens worthless at once, after a restart too', async () => {
  const dataFolder = temporaryFolder();
  const first = await new TestGateway({ dataFolder }).start();
  const { body: kept } = await first.signIn('admin', adminPassword);
  const { body: ended } = await first.signIn('admin', adminPassword);
  expect((await first.request('/auth/jwt/logout', { method: 'POST', token: ended.access_token })).status).toBe(204);
  expect((await first.request('/users/me', { token: ended.access_token })).status).toBe(401);
  await first.stop();
  const second = await new TestGateway({ dataFolder }).start();
  expect((await second.request('/users/me', { token: kept.access_token })).status).toBe(200);
  for (const [path, options] of [
    ['/users/me', { token: ended.access_token }],
    ['/auth/jwt/refresh', { body: { refresh_token: ended.refresh_token } }],
  ] as const)
    expect(await second.request(path, options)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
});

test('a refresh token works once; used again it ends the session, with the tokens of the thief and of the owner', async () => {
  const gateway = await new TestGateway().start();
  const { body: first } = await gateway.signIn('admin', adminPassword);
  const refresh = (token: string) => gateway.request('/auth/jwt/refresh', { body: { refresh_token: token } });
  const { status, body: second } = await refresh(first.refresh_token);
  expect(status).toBe(200);
  expect((await gateway.request('/users/me', { token: second.access_token })).status).toBe(200);
  expect(await refresh(first.refresh_token)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
  expect((await refresh(second.refresh_token)).status).toBe(401);
  expect((await gateway.request('/users/me', { token: second.access_token })).status).toBe(401);
  const { body: other } = await gateway.signIn('admin', adminPassword);
  expect((await gateway.request('/users/me', { token: other.access_token })).status).toBe(200);
});

test('of two that refresh at once with the same token, at most one gets a pair', async () => {
  const gateway = await new TestGateway().start();
  const { body } = await gateway.signIn('admin', adminPassword);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      gateway.request('/auth/jwt/refresh', { body: { refresh_token: body.refresh_token } }),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('tokens end with their time', async () => {
  let nowMs = Date.now();
  const gateway = await new TestGateway({ nowMs: () => nowMs }).start();
  const { body } = await gateway.signIn('admin', adminPassword);
  nowMs += 15 * 60_000 - 1_000;
  expect((await gateway.request('/users/me', { token: body.access_token })).status).toBe(200);
  nowMs += 2_000;
  expect(await gateway.request('/users/me', { token: body.access_token })).toMatchObject({
    status: 401,
    body: { code: 'session-ended', detail: 'the access token is expired' },
  });
  const refreshed = await gateway.request('/auth/jwt/refresh', { body: { refresh_token: body.refresh_token } });
  expect((await gateway.request('/users/me', { token: refreshed.body.access_token })).status).toBe(200);
  nowMs += 31 * 86_400_000;
  const late = await gateway.request('/auth/jwt/refresh', { body: { refresh_token: refreshed.body.refresh_token } });
  expect(late.status).toBe(401);
});

test('of verified tokens only so many are kept, none of them beyond its time', () => {
  const tokens = new VerifiedTokens<{ user: string; expiresMs: number }>(2);
  for (const [index, user] of ['ann', 'ben', 'cara'].entries())
    tokens.add(`token of ${user}`, { user, expiresMs: index });
  expect(tokens.get('token of ann', -1)).toBeUndefined();
  expect(tokens.get('token of ben', 0)).toMatchObject({ user: 'ben' });
  expect(tokens.get('token of ben', 1)).toBeUndefined();
  expect(tokens.get('token of cara', 1)).toMatchObject({ user: 'cara' });
});

test('the first administrator gets a password of the environment, or a random one that is told once', async () => {
  const told: { name: string; password: string }[] = [];
  const dataFolder = temporaryFolder();
  const options = { dataFolder, firstAdmin: {}, onFirstAdmin: (made: (typeof told)[number]) => void told.push(made) };
  const first = await new TestGateway(options).start();
  expect(told).toMatchObject([{ name: 'admin', password: expect.stringMatching(/^[\w-]{24}$/) }]);
  expect((await first.signIn('admin', told[0]?.password ?? '')).status).toBe(200);
  await first.stop();
  await new TestGateway(options).start();
  expect(told).toHaveLength(1);
  for (const file of ['gateway.secret', 'gateway.db', 'app.log'])
    expect(statSync(join(dataFolder, file)).mode & 0o077, file).toBe(0);
});

test('a one-time code sets a password once, and ends the sessions of the user', async () => {
  const gateway = await new TestGateway().start();
  const token = await gateway.user('ben', [{ role: 'user', stream: '*' }]);
  const { status, body } = await gateway.request('/users/ben/reset', { method: 'POST', token: await gateway.admin() });
  expect(status).toBe(201);
  const reset = (code: string) =>
    gateway.request('/auth/reset', { body: { username: 'ben', code, password: 'another password' } });
  expect(await reset('wrong')).toMatchObject({ status: 401, body: { code: 'credentials-invalid' } });
  expect((await reset(body.code)).status).toBe(204);
  expect((await reset(body.code)).status).toBe(401);
  expect((await gateway.request('/users/me', { token })).status).toBe(401);
  expect((await gateway.signIn('ben', 'another password')).status).toBe(200);
});

test('a disabled user is out at once, and in again once enabled', async () => {
  const gateway = await new TestGateway().start();
  const [token, admin] = [await gateway.user('ben', [{ role: 'user', stream: '*' }]), await gateway.admin()];
  const disable = (disabled: boolean) =>
    gateway.request('/users/ben/disabled', { method: 'PUT', token: admin, body: { disabled } });
  expect(await disable(true)).toMatchObject({ status: 200, body: { disabled: true } });
  expect((await gateway.request('/users/me', { token })).status).toBe(401);
  expect((await gateway.signIn('ben', 'the password of ben')).status).toBe(401);
  await disable(false);
  expect((await gateway.signIn('ben', 'the password of ben')).status).toBe(200);
});

test('wrong passwords delay the next attempt, longer each time, and a right one in time ends that', async () => {
  let nowMs = Date.now();
  const gateway = await new TestGateway({ nowMs: () => nowMs }).start();
  const wrong = () => gateway.signIn('admin', 'wrong');
  for (let attempt = 0; attempt < 6; attempt++) expect((await wrong()).status).toBe(401);
  const delayed = await gateway.signIn('admin', adminPassword);
  expect(delayed).toMatchObject({ status: 429, body: { code: 'sign-in-delayed' } });
  expect(delayed.headers.get('retry-after')).toBe('1');
  nowMs += 1_000;
  expect((await wrong()).status).toBe(401);
  expect((await wrong()).headers.get('retry-after')).toBe('2');
  nowMs += 2_000;
  expect((await gateway.signIn('admin', adminPassword)).status).toBe(200);
  expect((await wrong()).status).toBe(401);
});

test('an unknown user costs as many hashes as a known one with a wrong password', async () => {
  const passwords = new Passwords({ cost: cheap });
  const hash = await passwords.hash('right');
  const costOf = async (stored: string | undefined): Promise<number> => {
    const before = passwords.count;
    expect(await passwords.verify('wrong', stored)).toBe(false);
    return passwords.count - before;
  };
  expect(await costOf(undefined)).toBe(await costOf(hash));
  expect(await passwords.verify('right', hash)).toBe(true);
});

test('a hash does the work that OWASP asks for, by its default parameters', () => {
  const { n, r, p } = defaultCost;
  expect(n * r * p).toBeGreaterThanOrEqual(2 ** 17 * 8);
  expect(128 * n * r).toBeGreaterThanOrEqual(128 << 20);
});

test('few hashes are made at once, few wait, and further ones are refused', async () => {
  const passwords = new Passwords({ cost: cheap, concurrent: 1, waiting: 2 });
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => passwords.hash('some password')));
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(all[4]).toMatchObject({ reason: { code: 'hashing-busy', retryAfterS: 2 } });
  await expect(passwords.hash('later')).resolves.toMatch(/^scrypt\$16\$1\$1\$/);
});
