import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, gapline, type Process, root, spambase, temporaryFolder } from './gapline.ts';

/** Each is found wherever it goes, also as base64, as which a header would carry it. */
const secrets = {
  GAPLINE_TOKEN: 'access-d3rSchluessel',
  GAPLINE_INFLUXDB_TOKEN: 'influx-d3rSchluessel',
  GAPLINE_KAFKA_USERNAME: 'user',
  GAPLINE_KAFKA_PASSWORD: 'kafka-d3rSchluessel',
};
const hidden = [
  'd3rSchluessel',
  ...Object.values(secrets).flatMap((secret) => [btoa(secret), encodeURIComponent(secret)]),
].filter((text) => text.length > 8);
const told = (text: string): string[] => hidden.filter((secret) => text.includes(secret));

/** What every user of the machine sees of a process. */
const commandLine = ({ pid }: Process): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
const onLinux = process.platform === 'linux';

const quiet = (name: string, ...args: string[]): string[] => [
  name,
  '--config',
  spambase,
  '--log-level',
  'debug',
  ...args,
];

test('a line with secrets tells nobody: not its logs, answers, files or command line', {
  timeout: 90_000,
}, async () => {
  const data = temporaryFolder();
  const ports = ['--collector-port', '0', '--page-port', '0'];
  const line = gapline(quiet('up', '--data', data, '--no-generator', ...ports), { env: secrets });
  const page = await line.printed(/live page: +(\S+)/);
  const readings = await line.printed(/POST (\S+)/);
  const generator = gapline(quiet('generate', '--to', new URL('/', readings).href, '--data', data, '--count', '40'), {
    env: secrets,
  });
  if (onLinux) expect(told(commandLine(line) + commandLine(generator))).toEqual([]);
  const sent = await generator.ended;
  expect(sent.stdout).toContain('40 readings accepted');

  const answers: string[] = [];
  const ask = async (url: string, init: RequestInit = {}) => {
    const answer = await fetch(url, init);
    answers.push(`${JSON.stringify([...answer.headers])} ${await answer.text()}`);
  };
  const holder = { authorization: `Bearer ${secrets.GAPLINE_TOKEN}` };
  for (const path of ['/', '/stats', '/metrics', '/none']) await ask(new URL(path, page).href, { headers: holder });
  for (const path of ['/metrics', '/openapi.json', '/none'])
    await ask(new URL(path, readings).href, { headers: holder });
  await ask(readings!, { method: 'POST', headers: { ...holder, 'content-type': 'application/json' }, body: '{"' });
  await ask(readings!, { method: 'POST', headers: { authorization: `Bearer ${secrets.GAPLINE_TOKEN}x` }, body: '{}' });
  await ask(new URL('/api/v2/write', readings).href, { method: 'POST', headers: holder, body: 'broken' });
  await ask(new URL('/session', page).href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: secrets.GAPLINE_TOKEN }),
    redirect: 'manual',
  });
  expect(told(answers.join('\n'))).toEqual([]);

  line.kill('SIGTERM');
  const ended = await line.ended;
  expect(ended.stderr).toContain('"level"');
  expect(told(ended.stdout + ended.stderr + sent.stdout + sent.stderr)).toEqual([]);
  const files = readdirSync(data).map((file) => readFileSync(join(data, file), 'latin1'));
  expect(files.length).toBeGreaterThan(1);
  expect(told(files.join('\n'))).toEqual([]);
});

test('a stage whose InfluxDB is unavailable or denies access prints no secret', { timeout: 90_000 }, async () => {
  let asked = 0;
  let status = 401;
  const refusing = createServer((_request, response) => {
    asked += 1;
    response.statusCode = status;
    response.end('{"code":"some","message":"not now"}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void refusing.close());
  await once(refusing, 'listening');
  const store = ['--store', `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/org/bucket`];
  const data = ['--data', temporaryFolder()];

  const imported = await gapline(['import-dashboard', '--config', spambase, ...store], { env: secrets }).ended;
  expect(imported.code).toBe(1);
  status = 503;
  const collector = gapline(quiet('collect', '--port', '0', ...store, ...data), { env: secrets });
  const url = await collector.printed(/collector: (\S+)/);
  const send = quiet('generate', '--to', url!, '--count', '20', ...data);
  expect((await gapline(send, { env: secrets }).ended).code).toBe(0);
  const before = asked;
  await eventually(() => asked > before);
  if (onLinux) expect(told(commandLine(collector))).toEqual([]);
  collector.kill('SIGTERM');
  const ended = [imported, await collector.ended];
  expect(ended[1]!.stderr).toContain('503');
  expect(told(ended.map(({ stdout, stderr }) => stdout + stderr).join('\n'))).toEqual([]);
});

test('no secret can come into an image: none is asked for when it is built, and .env stays outside', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  expect(dockerfile).not.toMatch(/^(ARG|ENV) .*(TOKEN|PASSWORD|SECRET)/im);
  const outside = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  // `.env` and `.git` begin with a dot.
  for (const name of ['.*', 'data']) expect(outside).toContain(name);
});
