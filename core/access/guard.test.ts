import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { errorCatalog, GaplineError } from '../wire/errors.ts';
import { Access } from './access.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { Sessions } from './sessions.ts';
import type { Scope } from './tokens.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

function accessWith(token?: string): Access {
  const access = new Access({ ...(token && { token }), logger: pino({ level: 'silent' }) });
  access.start();
  return access;
}

/** A server with a guard; the path of a request is the scope that it needs. */
async function start(
  options: Partial<GuardOptions> & { access: Access },
): Promise<(headers?: Record<string, string>, scope?: Scope) => Promise<Response>> {
  const guard = createGuard({ host: '127.0.0.1', ...options });
  const guards = { write: guard('write'), read: guard('read'), admin: guard('admin') };
  const listening = createServer(async (request, response) => {
    try {
      const check = guards[request.url?.slice(1) as Scope];
      response.setHeader('passes-at-once', String(check.passesAtOnce(request)));
      const holder = await check(request, response);
      response.end(holder?.name ?? 'anyone');
    } catch (error) {
      if (!(error instanceof GaplineError)) throw error;
      response.writeHead(errorCatalog[error.code].status).end(error.message);
    }
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return (headers = {}, scope = 'write') => fetch(`http://127.0.0.1:${port}/${scope}`, { headers });
}

test('without tokens everyone has access, except pages of other sites', async () => {
  const send = await start({ access: accessWith() });
  expect(await (await send()).text()).toBe('anyone');
  expect((await send({ origin: 'https://evil.example' })).status).toBe(403);
});

test('with tokens it accepts both forms of the header, and 401 names the right one', async () => {
  const send = await start({ access: accessWith('secret') });
  const none = await send();
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="gapline"']);
  expect((await send({ authorization: 'Token wrong' })).status).toBe(401);
  expect(await (await send({ authorization: 'Token secret' })).text()).toBe('environment');
  expect(await (await send({ authorization: 'Bearer secret' }, 'admin')).text()).toBe('environment');
});

test('what passes at once is what the whole check lets through without counting it', async () => {
  const passes = async (send: Awaited<ReturnType<typeof start>>, headers?: Record<string, string>) => {
    const response = await send(headers);
    const found = [response.status, response.headers.get('passes-at-once')];
    server?.close();
    return found;
  };
  const [right, wrong] = [{ authorization: 'Token secret' }, { authorization: 'Token wrong' }];
  const foreign = { origin: 'https://evil.example' };
  const limits = { perAddress: 100 };
  expect(await passes(await start({ access: accessWith() }))).toEqual([200, 'true']);
  expect(await passes(await start({ access: accessWith() }), foreign)).toEqual([403, null]);
  expect(await passes(await start({ access: accessWith('secret') }), right)).toEqual([200, 'true']);
  expect(await passes(await start({ access: accessWith('secret') }), { ...right, ...foreign })).toEqual([403, null]);
  expect(await passes(await start({ access: accessWith('secret') }), wrong)).toEqual([401, 'false']);
  expect(await passes(await start({ access: accessWith('secret') }))).toEqual([401, 'false']);
  expect(await passes(await start({ access: accessWith(), limits }))).toEqual([200, 'false']);
  expect(await passes(await start({ access: accessWith('secret'), limits }), right)).toEqual([200, 'false']);
});

test('a request that needs two scopes counts once', async () => {
  const guard = createGuard({ access: accessWith(), host: '127.0.0.1', limits: { perAddress: 1 } });
  const both = createServer(async (request, response) => {
    const statuses: number[] = [];
    for (const scope of ['write', 'read'] as const)
      await guard(scope)(request, response).then(
        () => statuses.push(200),
        (error: GaplineError) => statuses.push(errorCatalog[error.code].status),
      );
    response.end(statuses.join(' '));
  });
  server = both;
  await new Promise<void>((resolve) => both.listen(0, '127.0.0.1', resolve));
  const send = async () => (await fetch(`http://127.0.0.1:${(both.address() as AddressInfo).port}/`)).text();
  expect(await send()).toBe('200 200');
  expect(await send()).toMatch(/^429/);
});

test('a session of a browser counts like its token', async () => {
  const access = accessWith('secret');
  const sessions = new Sessions({ access, secure: false });
  const send = await start({ access, sessions });
  const cookie = sessions.begin('secret') ?? 'none';
  expect((await send({ cookie }, 'read')).status).toBe(200);
  expect((await send({ cookie, origin: 'https://evil.example' }, 'read')).status).toBe(403);
  expect((await send({ cookie, authorization: 'Bearer wrong' }, 'read')).status).toBe(401);
});

test.each([
  ['address', { perAddress: 3 }],
  ['token', { perToken: 3 }],
])('more requests than allowed by %s are 429 with Retry-After', async (_, limits) => {
  const send = await start({ access: accessWith('secret'), limits });
  const statuses: number[] = [];
  let retryAfter: string | null = null;
  for (let turn = 0; turn < 5; turn += 1) {
    const { status, headers } = await send({ authorization: 'Bearer secret' });
    statuses.push(status);
    retryAfter = headers.get('retry-after');
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  expect(Number(retryAfter)).toBeGreaterThan(0);
});

test('an address that guesses tokens is slowed down, while the right token still works', async () => {
  const send = await start({ access: accessWith('secret'), wrongTokensPerMinute: 2 });
  const guesses = [];
  for (let turn = 0; turn < 4; turn += 1) guesses.push((await send({ authorization: `Bearer guess-${turn}` })).status);
  expect(guesses).toEqual([401, 401, 429, 429]);
  expect((await send({ authorization: 'Bearer secret' })).status).toBe(200);
});
