import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Access } from '../core/access/access.ts';
import { addToken } from '../core/access/tokens.ts';
import { reloadTls } from '../core/http/tls.ts';
import { silent, startCollector, type TestCollector, until } from './testing.ts';

let folder: string;
let started: TestCollector | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-access-'));
});
afterEach(async () => {
  await started?.stop();
  started = undefined;
  rmSync(folder, { recursive: true });
});

const body = '{"device":"d","time":"1700000000000000001","values":{"a":1}}';
const json = { 'content-type': 'application/json' };

function accessOf(file: string): Access {
  const access = new Access({ file, logger: silent });
  access.start();
  return access;
}

test('both endpoints need a token with the scope write; probes need none, metrics need the scope read', async () => {
  const file = join(folder, 'tokens.json');
  const write = addToken(file, 'device', ['write'], new Date());
  const read = addToken(file, 'prometheus', ['read'], new Date());
  started = await startCollector({ access: accessOf(file) });
  const { url } = started.collector;
  const post = (path: string, text: string, headers: Record<string, string>) =>
    fetch(`${url}${path}`, { method: 'POST', body: text, headers });

  const none = await post('/readings', body, json);
  expect([none.status, none.headers.get('www-authenticate'), await none.json()]).toMatchObject([
    401,
    'Bearer realm="gapline"',
    { code: 'unauthorized' },
  ]);
  expect(await (await post('/readings', body, { ...json, authorization: `Bearer ${read}` })).json()).toMatchObject({
    status: 403,
    code: 'forbidden',
  });
  expect((await post('/readings', body, { ...json, authorization: `Bearer ${write}` })).status).toBe(202);
  const label = await post('/readings?wait=1s', body, { ...json, authorization: `Bearer ${write}` });
  expect(await label.json()).toMatchObject({ status: 403, detail: expect.stringContaining('lacks the scope read') });

  const line = await post('/api/v2/write', 'm,device=d a=1', {});
  expect([line.status, await line.json()]).toMatchObject([401, { code: 'unauthorized', message: expect.any(String) }]);
  expect((await post('/api/v2/write', 'm,device=d a=1', { authorization: `Token ${write}` })).status).toBe(204);

  const statusOf = async (path: string, headers = {}) => (await fetch(`${url}${path}`, { headers })).status;
  expect(await Promise.all(['/health', '/ready', '/metrics', '/openapi.json'].map((path) => statusOf(path)))).toEqual([
    200, 200, 401, 401,
  ]);
  expect(await statusOf('/metrics', { authorization: `Bearer ${read}` })).toBe(200);
});

test('requests beyond the rate get 429 with Retry-After, in the format of each endpoint', async () => {
  started = await startCollector({ rateLimits: { perAddress: 2 } });
  const { url } = started.collector;
  for (let turn = 0; turn < 2; turn += 1)
    expect((await fetch(`${url}/readings`, { method: 'POST', body, headers: json })).status).toBe(202);
  const reading = await fetch(`${url}/readings`, { method: 'POST', body, headers: json });
  expect([reading.status, await reading.json()]).toMatchObject([429, { code: 'rate-limited' }]);
  expect(Number(reading.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('a page of another site cannot write, even where no token is needed', async () => {
  started = await startCollector();
  const { url } = started.collector;
  const line = { method: 'POST', body: 'm,device=d a=1', headers: { origin: 'https://evil.example' } };
  expect((await fetch(`${url}/api/v2/write`, line)).status).toBe(403);
  const response = await fetch(`${url}/readings`, {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  });
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  expect(await started.readings()).toEqual([]);
});

test('without tokens it does not start on an address that other machines reach, and the error names the remedy', async () => {
  const access = accessOf(join(folder, 'none.json'));
  await expect(startCollector({ access, host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'access-required',
    message: expect.stringContaining('0.0.0.0'),
  });
});

test('no token reaches the log file, however a request fails', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const file = join(folder, 'tokens.json');
  const token = addToken(file, 'device', ['write'], new Date());
  started = await startCollector({
    access: accessOf(file),
    logger,
    wrap: () =>
      ({ append: () => Promise.reject(new Error('broken')), lag: () => Promise.reject(new Error('broken')) }) as never,
  });
  for (const authorization of [`Bearer ${token}`, `Bearer ${token}x`]) {
    await fetch(`${started.collector.url}/readings`, { method: 'POST', body, headers: { ...json, authorization } });
  }
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join('')).not.toContain(token.slice(8));
});

const openssl = spawnSync('openssl', ['version']).status === 0;
test.runIf(process.env.CI)('a continuous integration run has openssl', () => expect(openssl).toBe(true));

describe.runIf(openssl)('TLS', () => {
  function certificate(name: string): { certFile: string; keyFile: string } {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', keyFile, '-out', certFile], {
      stdio: 'pipe',
    });
    return { certFile, keyFile };
  }

  function commonName(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  test('readings come in over TLS, and not over plain HTTP', async () => {
    started = await startCollector({ tls: certificate('first') });
    const { url } = started.collector;
    expect(url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        `${url}/readings`,
        { method: 'POST', headers: json, rejectUnauthorized: false },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
    expect(status).toBe(202);
    await expect(fetch(`${url.replace('https', 'http')}/health`)).rejects.toThrow();
  });

  test('over TLS, too, a connection is read further after its first reading that is wrong', async () => {
    started = await startCollector({ tls: certificate('first') });
    const port = Number(new URL(started.collector.url).port);
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
    for (const [index, text] of [body, body.replace('"a"', '"x"'), body].entries()) {
      const head = ['POST /readings HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json'];
      socket.write([...head, `content-length: ${text.length}`, '', text].join('\r\n'));
      await until(statuses, ({ length }) => length === index + 1);
    }
    socket.destroy();
    expect(statuses()).toEqual([202, 400, 202]);
  });

  test('a renewed certificate is taken while it runs; one that does not fit its key is not', async () => {
    const [first, second] = [certificate('first'), certificate('second')];
    const files = { certFile: join(folder, 'used.pem'), keyFile: join(folder, 'used.key') };
    const use = ({ certFile, keyFile }: typeof first): void => {
      copyFileSync(keyFile, files.keyFile);
      copyFileSync(certFile, files.certFile);
    };
    use(first);
    const { createServer } = await import('node:https');
    const { readTls } = await import('../core/http/tls.ts');
    const server = createServer(readTls(files), (_request, response) => void response.end());
    const end = reloadTls(files, server, silent, 5);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
    expect(await commonName(url)).toBe('first');
    use(second);
    await until(
      () => commonName(url),
      (name) => name === 'second',
    );
    copyFileSync(first.certFile, files.certFile);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await commonName(url)).toBe('second');
    end();
    server.close();
  });

  test('a certificate that does not fit its key is an error before the collector listens', async () => {
    const [first, second] = [certificate('first'), certificate('second')];
    const tls = { certFile: first.certFile, keyFile: second.keyFile };
    await expect(startCollector({ tls })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('first.pem'),
    });
  });
});
