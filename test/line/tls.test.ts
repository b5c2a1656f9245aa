import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';

const openssl = spawnSync('openssl', ['version']).status === 0;
const why = openssl ? '' : ' (not run: no openssl on the PATH)';
const patient = { timeout: 90_000 };
test.runIf(process.env.CI)('a continuous integration run has openssl', () => expect(openssl).toBe(true));

/** A self-signed certificate, as a file and its key. */
function certificate(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { cert, key };
}

/** Whose certificate an endpoint presents now. */
function shown(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const port = Number(new URL(url).port);
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject).end();
  });
}

test.runIf(openssl)(`the line speaks TLS and takes a renewed certificate while it runs${why}`, patient, async () => {
  const folder = temporaryFolder();
  const [first, second] = [certificate(folder, 'first'), certificate(folder, 'second')];
  const used = { cert: join(folder, 'used.pem'), key: join(folder, 'used.key') };
  const use = ({ cert, key }: typeof used): void => {
    copyFileSync(key, used.key);
    copyFileSync(cert, used.cert);
  };
  use(first);
  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const tls = ['--tls-cert', used.cert, '--tls-key', used.key];
  const ledger = join(folder, 'ledger');
  const line = gapline(['up', '--config', spambase, '--data', folder, '--ledger', ledger, ...ports, ...tls]);
  const page = await line.printed(/live page: +(\S+)/);
  const readings = await line.printed(/POST (\S+)/);
  expect([await shown(page!), await shown(readings!)]).toEqual(['first', 'first']);
  expect(await statusOf(page!)).toBe(200);
  await expect(fetch(readings!.replace('https', 'http'))).rejects.toThrow();
  // The devices of the line itself use the same endpoint.
  const accepted = () => (existsSync(ledger) ? statSync(ledger).size : 0);
  await eventually(() => accepted() > 0);
  use(second);
  await eventually(async () => (await shown(page!)) === 'second' && (await shown(readings!)) === 'second');
  const before = accepted();
  await eventually(() => accepted() > before);
  line.kill('SIGTERM');
  expect((await line.ended).code).toBe(0);
});

test.runIf(openssl)(
  `devices on another machine trust a certificate by NODE_EXTRA_CA_CERTS${why}`,
  patient,
  async () => {
    const folder = temporaryFolder();
    const { cert, key } = certificate(folder, 'gapline');
    const data = ['--config', spambase, '--data', temporaryFolder(), '--log-level', 'error'];
    const collector = gapline(['collect', ...data, '--port', '0', '--tls-cert', cert, '--tls-key', key]);
    const url = await collector.printed(/collector: (\S+)/);
    const send = ['generate', '--config', spambase, '--data', temporaryFolder(), '--to', url!, '--count', '20'];
    const trusting = await gapline(send, { env: { NODE_EXTRA_CA_CERTS: cert } }).ended;
    expect(trusting.stdout).toMatch(/^20 readings accepted/m);
  },
);

test('a certificate that cannot be used is told in one line, before anything starts', patient, async () => {
  const folder = temporaryFolder();
  const [empty, missing] = [join(folder, 'empty.pem'), join(folder, 'missing.key')];
  writeFileSync(empty, '');
  const tell = async (...args: string[]) => {
    const ended = await gapline(['serve', '--config', spambase, '--data', folder, '--port', '0', ...args]).ended;
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    return ended.stderr;
  };
  expect(await tell('--tls-cert', empty)).toMatch(/--tls-cert and --tls-key belong together.*\[config-invalid\]/);
  expect(await tell('--tls-cert', empty, '--tls-key', missing)).toMatch(/missing\.key.*\[config-invalid\]/);
  expect(await tell('--tls-cert', empty, '--tls-key', empty)).toMatch(/empty\.pem.*\[config-invalid\]/);
});

test('rates by address and by token are set on the command line', patient, async () => {
  const data = temporaryFolder();
  const made = await gapline(['tokens', 'add', 'reader', '--scope', 'read', '--data', data]).ended;
  const other = await gapline(['tokens', 'add', 'other', '--scope', 'read', '--data', data]).ended;
  const rates = ['--rate-per-token', '2', '--rate-per-address', '5'];
  const serve = ['serve', '--config', spambase, '--data', data, '--port', '0', '--log-level', 'error'];
  const stage = gapline([...serve, ...rates]);
  const url = await stage.printed(/model: (\S+)/);
  const status = async (token: string) => {
    const headers = { authorization: `Bearer ${token.trim()}` };
    return (await fetch(`${url}/v2/models/spambase`, { headers })).status;
  };
  const statuses = [];
  for (const token of [made, made, made, other, other, other]) statuses.push(await status(token.stdout));
  expect(statuses).toEqual([200, 200, 429, 200, 200, 429]);
  stage.kill('SIGTERM');
  expect((await stage.ended).code).toBe(0);
});
