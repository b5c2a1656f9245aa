import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { explainForeignRequest, isLoopback } from '../http/origin.ts';
import { Access, allows, presentedToken } from './access.ts';
import { requireTokens } from './require-tokens.ts';
import { Sessions } from './sessions.ts';
import { addToken, readTokens, revokeToken, type Scope } from './tokens.ts';

let folder: string;
let file: string;
let access: Access;
const now = new Date('2026-01-01T00:00:00Z');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-access-'));
  file = join(folder, 'secrets', 'tokens.json');
});
afterEach(() => {
  access?.stop();
  rmSync(folder, { recursive: true });
});

function open(token?: string): Access {
  access = new Access({ file, ...(token && { token }), logger: pino({ level: 'silent' }), checkEveryMs: 5 });
  access.start();
  return access;
}

/** Whether a token is known, and then whether it has the scope. */
function check(token: string, scope: Scope): 'allowed' | 'forbidden' | 'unknown' {
  const holder = access.holderOf(token);
  if (holder === undefined) return 'unknown';
  return allows(holder, scope) ? 'allowed' : 'forbidden';
}

async function eventually(what: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!what()) {
    if (Date.now() > end) throw new Error('it never happened');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a token is kept as a hash, in a file that only its owner reads', () => {
  const token = addToken(file, 'pump-7', ['write'], now);
  expect(token).toMatch(/^gapline_[\w-]{43}$/);
  expect(readFileSync(file, 'utf8')).not.toContain(token.slice(8));
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(readTokens(file)).toMatchObject([{ name: 'pump-7', scopes: ['write'], created: now.toISOString() }]);
  expect(addToken(file, 'pump-8', ['write'], now)).not.toBe(token);
});

test('names are taken once, and only what is there can be revoked', () => {
  addToken(file, 'a', ['read'], now);
  expect(() => addToken(file, 'a', ['read'], now)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  expect(() => addToken(file, 'not a name', ['read'], now)).toThrow('letters, digits');
  expect(() => revokeToken(file, 'b')).toThrow('there is no token b');
  revokeToken(file, 'a');
  expect(readTokens(file)).toEqual([]);
});

test.each([
  ['', 'not a file of tokens'],
  ['{', 'not a file of tokens'],
  ['{"version":1,"tokens":[{"name":"a"}]}', 'hash'],
  ['{"version":2,"tokens":[]}', 'version'],
])('a file that contains %j is an error with its name and the reason', (text, reason) => {
  const broken = join(folder, 'tokens.json');
  writeFileSync(broken, text);
  expect(() => readTokens(broken)).toThrow(
    expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(reason) }),
  );
  expect(() => readTokens(broken)).toThrow(broken);
});

test('without any token everyone may do everything', () => {
  expect(open().open).toBe(true);
});

test.each<[Scope, Record<Scope, string>]>([
  ['write', { write: 'allowed', read: 'forbidden', admin: 'forbidden' }],
  ['read', { write: 'forbidden', read: 'allowed', admin: 'forbidden' }],
  ['admin', { write: 'allowed', read: 'allowed', admin: 'allowed' }],
])('a token with the scope %s', (scope, expected) => {
  const token = addToken(file, 'a', [scope], now);
  open();
  for (const [wanted, kind] of Object.entries(expected)) expect(check(token, wanted as Scope)).toBe(kind);
});

test('a token that is almost right is unknown', () => {
  const token = addToken(file, 'a', ['admin'], now);
  open();
  const [{ hash: storedHash } = { hash: '' }] = readTokens(file) ?? [];
  expect(storedHash).toMatch(/^[0-9a-f]{64}$/);
  const near = ['', token.slice(0, -1), `${token}x`, token.toUpperCase(), 'x'.repeat(100_000), '\u0000', storedHash];
  for (const wrong of near) expect(access.holderOf(wrong)).toBeUndefined();
});

test('a new token works and a revoked one stops working without a restart', async () => {
  const first = addToken(file, 'first', ['write'], now);
  open();
  const second = addToken(file, 'second', ['write'], now);
  await eventually(() => check(second, 'write') === 'allowed');
  revokeToken(file, 'first');
  await eventually(() => check(first, 'write') === 'unknown');
  expect(check(second, 'write')).toBe('allowed');
});

test('once there were tokens, one is always needed: also without the file, with a broken file and after the last token was revoked', async () => {
  const token = addToken(file, 'a', ['write'], now);
  open();
  writeFileSync(file, 'broken');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(check(token, 'write')).toBe('allowed');
  rmSync(file);
  await eventually(() => check(token, 'write') === 'unknown');
  expect(access.open).toBe(false);
  addToken(file, 'b', ['write'], now);
  revokeToken(file, 'b');
  expect(new Access({ file, logger: pino({ level: 'silent' }) }).open).toBe(true);
  access.stop();
  expect(open().open).toBe(false);
});

test('from the moment a file of tokens is there, a token is needed', async () => {
  open();
  expect(existsSync(file)).toBe(false);
  addToken(file, 'a', ['write'], now);
  await eventually(() => !access.open);
});

test('a token of the environment may do everything', () => {
  open('gapline-token');
  expect(access.holderOf('gapline-token')?.name).toBe('environment');
  expect(check('gapline-token', 'admin')).toBe('allowed');
  expect(check('gapline-tokem', 'write')).toBe('unknown');
});

test.each([
  ['Token abc', 'abc'],
  ['Bearer abc', 'abc'],
  ['bearer   abc ', 'abc'],
  ['Basic abc', undefined],
  ['abc', undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  [undefined, undefined],
])('Authorization: %s presents %s', (authorization, expected) => {
  expect(presentedToken(authorization === undefined ? {} : { authorization })).toBe(expected);
});

function begin(sessions: Sessions, token: string): string {
  const cookie = sessions.begin(token);
  if (cookie === undefined) throw new Error('the token is unknown');
  return cookie;
}

test('a session is valid for its token until it expires, is ended, or the token is revoked', async () => {
  const token = addToken(file, 'a', ['read'], now);
  open();
  let nowMs = 0;
  const sessions = new Sessions({ access, secure: true, lastsMs: 1_000, nowMs: () => nowMs });
  expect(sessions.begin('wrong')).toBeUndefined();
  const set = begin(sessions, token);
  expect(set).toMatch(/^gapline_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=1; Secure$/);
  expect(set).not.toContain(token);
  const cookie = (text: string) => ({ cookie: `other=1; ${text.split(';')[0]}` });
  expect(sessions.holderOf(cookie(set))).toMatchObject({ name: 'a', scopes: ['read'] });
  expect(sessions.holderOf({ cookie: 'gapline_session=guess' })).toBeUndefined();
  expect(sessions.holderOf({})).toBeUndefined();

  expect(sessions.end(cookie(set))).toContain('Max-Age=0');
  expect(sessions.holderOf(cookie(set))).toBeUndefined();
  const late = begin(sessions, token);
  nowMs = 1_001;
  expect(sessions.holderOf(cookie(late))).toBeUndefined();
  const last = begin(sessions, token);
  revokeToken(file, 'a');
  addToken(file, 'a', ['read'], now);
  await eventually(() => sessions.holderOf(cookie(last)) === undefined);
});

test('sessions are bounded', () => {
  open('t');
  const sessions = new Sessions({ access, secure: false, most: 2 });
  const cookies = [1, 2, 3].map(() => begin(sessions, 't'));
  expect(cookies.map((cookie) => sessions.holderOf({ cookie })?.name)).toEqual([
    undefined,
    'environment',
    'environment',
  ]);
});

test('the token that the process made for itself may write, and does not make others need one', () => {
  const logger = pino({ level: 'silent' });
  access = new Access({ ownToken: 'own', logger });
  access.start();
  expect(access.open).toBe(true);
  access.stop();
  access = new Access({ ownToken: 'own', token: 't', logger });
  access.start();
  expect(access.open).toBe(false);
  expect(check('own', 'write')).toBe('allowed');
  expect(check('own', 'admin')).toBe('forbidden');
  access.stop();
});

test('a token of the environment that no header could carry is refused', () => {
  for (const token of ['two words', 'x'.repeat(1_001), 'schlüssel']) {
    access = new Access({ token, logger: pino({ level: 'silent' }) });
    expect(() => access.start()).toThrow(expect.objectContaining({ code: 'config-invalid' }));
    expect(() => access.start()).toThrow(expect.not.objectContaining({ message: expect.stringContaining(token) }));
  }
});

test('what can be reached from elsewhere needs tokens', () => {
  open();
  for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1']) requireTokens('the collector', host, access);
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'gapline.example', '127.0.0.1.evil.example', '']) {
    expect(isLoopback(host)).toBe(false);
    expect(() => requireTokens('the collector', host, access)).toThrow(
      expect.objectContaining({ code: 'access-required' }),
    );
  }
  access.stop();
  requireTokens('the collector', '0.0.0.0', open('t'));
});

test.each([
  [{}, false],
  [{ host: 'localhost:8080' }, false],
  [{ host: '[::1]:8080' }, false],
  [{ host: '127.0.0.1' }, false],
  [{ host: 'localhost:8080', origin: 'http://localhost:8080' }, false],
  [{ host: 'localhost:8080', 'sec-fetch-site': 'same-origin' }, false],
  [{ host: 'localhost:8080', origin: 'https://evil.example' }, true],
  [{ host: 'localhost:8080', origin: 'http://localhost:3000' }, true],
  [{ host: 'localhost:8080', origin: 'null' }, true],
  [{ host: 'localhost:8080', 'sec-fetch-site': 'cross-site' }, true],
  [{ host: 'evil.example:8080', origin: 'http://evil.example:8080' }, true],
  [{ host: 'evil.example' }, true],
])('a request with %j comes from a foreign page: %j', (headers, foreign) => {
  expect(explainForeignRequest(headers, { loopbackOnly: true }) !== undefined).toBe(foreign);
});

test('where tokens are needed, any host name is accepted', () => {
  expect(explainForeignRequest({ host: 'gapline.example' }, { loopbackOnly: false })).toBeUndefined();
});
