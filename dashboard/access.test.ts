import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Access } from '../core/access/access.ts';
import { addToken, revokeToken, type Scope } from '../core/access/tokens.ts';
import { createDashboard, type DashboardOptions } from './dashboard.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { SimulatedLine } from './testing/simulated-line.ts';

const logger = pino({ level: 'silent' });
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function tokens() {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-page-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tokens.json');
  const make = (name: string, scope: Scope) => addToken(file, name, [scope], new Date());
  return {
    reader: make('reader', 'read'),
    writer: make('writer', 'write'),
    admin: make('admin', 'admin'),
    revoke: (name: string) => revokeToken(file, name),
    access() {
      const access = new Access({ file, logger, checkEveryMs: 20 });
      access.start();
      cleanUps.push(() => access.stop());
      return access;
    },
  };
}

async function open(options: Partial<DashboardOptions>) {
  const log = new MemoryLog();
  const line = new SimulatedLine({ log, fields: ['a'], classes: ['ham', 'spam'], name: 'mail <b>' });
  const dashboard = createDashboard({
    stream: line.stream,
    log,
    logger,
    host: '127.0.0.1',
    port: 0,
    everyMs: 20,
    ...options,
  });
  await dashboard.start();
  cleanUps.push(() => dashboard.stop());
  return dashboard.url;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

function signIn(url: string, token: string): Promise<Response> {
  return fetch(`${url}/session`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ token }),
    headers: { ...browser, origin: url, 'sec-fetch-site': 'same-origin' },
  });
}

/** The cookie that a browser would send back. */
const cookieOf = (response: Response) => ({ cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' });

const openssl = spawnSync('openssl', ['version']).status === 0;
test.runIf(process.env.CI)('a continuous integration run has openssl', () => expect(openssl).toBe(true));

test.runIf(openssl)('over TLS the cookie never leaves it, and browsers are told to stay with TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-page-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', tls.keyFile, '-out', tls.certFile];
  execFileSync('openssl', ['req', '-x509', ...kind, '-subj', '/CN=127.0.0.1', ...files], { stdio: 'ignore' });
  const { reader, access } = tokens();
  const url = await open({ access: access(), tls });
  expect(url).toMatch(/^https:/);
  const { statusCode, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const asking = request(`${url}/session`, { method: 'POST', rejectUnauthorized: false, headers: type }, resolve);
    asking.on('error', reject).end(new URLSearchParams({ token: reader }).toString());
  });
  expect(statusCode).toBe(303);
  expect(headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  expect(headers['strict-transport-security']).toMatch(/^max-age=/);
});

describe('with tokens', () => {
  test('a browser is asked for one, a program gets a problem; what holds no data stays open', async () => {
    const url = await open({ access: tokens().access() });
    const page = await fetch(url, { headers: browser });
    expect(page.status).toBe(401);
    const html = await page.text();
    expect(html).toContain('<form class="card" method="post" action="/session">');
    expect(html).toContain('mail &lt;b&gt;');
    for (const path of ['/', '/stats', '/events']) {
      const refused = await fetch(url + path);
      expect([path, refused.status]).toEqual([path, 401]);
      expect(refused.headers.get('www-authenticate')).toContain('Bearer');
      expect(await refused.json()).toMatchObject({ code: 'unauthorized' });
    }
    for (const path of ['/health', '/ready', '/page/tokens.css']) expect((await fetch(url + path)).status).toBe(200);
  });

  test('a program sends its token', async () => {
    const { reader, writer, access } = tokens();
    const url = await open({ access: access() });
    expect((await fetch(`${url}/stats`, { headers: bearer(reader) })).status).toBe(200);
    expect((await fetch(`${url}/stats`, { headers: bearer(writer) })).status).toBe(403);
    expect((await fetch(`${url}/stats`, { headers: bearer('gapline_wrong') })).status).toBe(401);
  });

  test('a browser exchanges it for a cookie that no script reads and no other site sends', async () => {
    const { reader, access } = tokens();
    const url = await open({ access: access() });
    const signedIn = await signIn(url, reader);
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/']);
    const [cookie] = signedIn.headers.getSetCookie();
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\//);
    expect(cookie).not.toContain(reader);
    const headers = { ...browser, ...cookieOf(signedIn) };
    expect(await (await fetch(url, { headers })).text()).toContain('data-session="yes"');
    expect((await fetch(`${url}/stats`, { headers })).status).toBe(200);
    const endSession = (more: Record<string, string>) =>
      fetch(`${url}/session/end`, { method: 'POST', headers: { ...headers, ...more }, redirect: 'manual' });
    for (const [name, value] of [
      ['origin', 'http://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ] as const) {
      const refused = await endSession({ [name]: value });
      expect([refused.status, refused.headers.getSetCookie()]).toEqual([403, []]);
    }
    expect((await fetch(`${url}/stats`, { headers })).status).toBe(200);
    const end = await endSession({ origin: url, 'sec-fetch-site': 'same-origin' });
    expect(end.status).toBe(303);
    expect((await fetch(`${url}/stats`, { headers })).status).toBe(401);
  });

  test('a wrong token, or one that may not read, gets the reason', async () => {
    const { writer, access } = tokens();
    const url = await open({ access: access() });
    const wrong = await signIn(url, 'gapline_wrong');
    expect([wrong.status, wrong.headers.getSetCookie()]).toEqual([401, []]);
    expect(await wrong.text()).toContain('This token is not known here.');
    const other = await signIn(url, writer);
    expect([other.status, other.headers.getSetCookie()]).toEqual([403, []]);
    expect(await other.text()).toContain('This token may not read.');
    expect((await signIn(url, '')).status).toBe(401);
  });

  test('only so many wrong ones a minute', async () => {
    const url = await open({ access: tokens().access() });
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 70; attempt += 1) statuses.add((await signIn(url, 'gapline_wrong')).status);
    expect(statuses).toEqual(new Set([401, 429]));
  });

  test('another site cannot sign somebody in', async () => {
    const { reader, access } = tokens();
    const url = await open({ access: access() });
    const response = await fetch(`${url}/session`, {
      method: 'POST',
      body: new URLSearchParams({ token: reader }),
      headers: { origin: 'http://evil.example' },
    });
    expect([response.status, response.headers.getSetCookie()]).toEqual([403, []]);
  });

  test('readers see no slider and may not move it; admins do', async () => {
    const { reader, admin, access } = tokens();
    const setGapRate = vi.fn();
    const url = await open({ access: access(), controls: { gapRate: 0.1, setGapRate } });
    const move = (token: string) =>
      fetch(`${url}/controls/gap-rate`, {
        method: 'POST',
        body: '{"gapRate":0.3}',
        headers: { 'content-type': 'application/json', ...bearer(token) },
      });
    expect((await move(reader)).status).toBe(403);
    expect(setGapRate).not.toHaveBeenCalled();
    expect((await move(admin)).status).toBe(200);
    expect(setGapRate).toHaveBeenCalledWith(0.3);
    const page = async (token: string) => (await fetch(url, { headers: { ...browser, ...bearer(token) } })).text();
    expect(await page(reader)).toContain('data-controls="no"');
    expect(await page(admin)).toContain('data-controls="yes"');
  });

  test('readers see no choice of a model and may not choose; admins do', async () => {
    const { reader, admin, access } = tokens();
    const choose = vi.fn(async () => {});
    const models = {
      options: async () => [
        { version: 2, names: ['champion'], serves: true },
        { version: 1, names: ['mean'], serves: false },
      ],
      choose,
    };
    const url = await open({ access: access(), controls: { gapRate: 0.1, setGapRate: vi.fn(), models } });
    const choosing = (headers: Record<string, string>) =>
      fetch(`${url}/controls/model`, {
        method: 'POST',
        body: '{"version":1}',
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await choosing({})).status).toBe(401);
    expect((await choosing(bearer(reader))).status).toBe(403);
    expect(choose).not.toHaveBeenCalled();
    expect((await choosing(bearer(admin))).status).toBe(200);
    expect(choose.mock.calls).toEqual([[1]]);
    const page = async (token: string) => (await fetch(url, { headers: { ...browser, ...bearer(token) } })).text();
    const readersPage = await page(reader);
    expect(readersPage).toContain('data-choice="no"');
    expect(readersPage).not.toContain('name="model"');
    expect(await page(admin)).toContain('data-choice="yes"');
  });

  test('a page that is open is closed when its token is revoked', async () => {
    const { reader, revoke, access } = tokens();
    const url = await open({ access: access() });
    const response = await fetch(`${url}/events`, { headers: cookieOf(await signIn(url, reader)) });
    expect(response.status).toBe(200);
    revoke('reader');
    let bytes = 0;
    for await (const chunk of response.body!) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(0);
  });

  test('a page open to other machines without any token refuses to start', async () => {
    const access = new Access({ logger });
    await expect(open({ access, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'access-required' });
  });
});
