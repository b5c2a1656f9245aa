import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { mosquittoIsHere, startMosquitto } from '../test/servers/mosquitto.ts';
import { cacheFolder, obtain, obtained } from '../test/servers/obtain.ts';
import { pythonClientsSupply } from '../test/servers/python-packages.ts';
import { telegrafProgram, telegrafSupply } from '../test/servers/telegraf.ts';

// What docs/clients.md shows is run as it stands there, but for the ports.

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(import.meta.dirname, 'clients.md'), 'utf8');
const snippets = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code = '']) => code);
const [, wait = '', questions = '', bridge = '', publish = '', latest = ''] = snippets('sh');
const [requests = '', influxdb = ''] = snippets('python');
const [post = '', events = ''] = snippets('js');
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';

const data = mkdtempSync(join(tmpdir(), 'gapline-clients-'));
let [collector, live] = ['', ''];
const line = spawn(
  join(root, 'gapline'),
  [
    ...['up', '--config', 'examples/spambase/stream.yaml', '--data', data, '--no-generator', '--log-level', 'error'],
    ...['--collector-port', '0', '--page-port', '0'],
  ],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
beforeAll(async () => {
  let printed = '';
  for await (const chunk of line.stdout) {
    printed += chunk;
    live = /live page: +(\S+)/.exec(printed)?.[1] ?? '';
    collector = /POST (\S+)\/readings/.exec(printed)?.[1] ?? '';
    if (collector !== '') break;
  }
}, 60_000);
afterAll(async () => {
  line.kill('SIGTERM');
  if (line.exitCode === null) await once(line, 'exit');
  rmSync(data, { recursive: true, force: true });
}, 30_000);

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const ported = args.map((each) =>
    each.replaceAll('http://127.0.0.1:8080', collector).replaceAll('http://127.0.0.1:3000', live),
  );
  const child = spawn(program, ported, { env: { ...process.env, ...env }, timeout: 50_000 });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code: child.exitCode };
}

const patient = { timeout: 60_000 };

test('curl sends a reading and gets its label in one request, and by each of the questions', patient, async () => {
  const sent = await run('bash', ['-ec', wait]);
  expect(JSON.parse(sent.stdout)).toMatchObject({
    accepted: 1,
    predictions: [{ device: 'mailbox-1', label: expect.any(String), filled: { word_freq_you: expect.any(Number) } }],
  });
  const { stdout } = await run('bash', [
    '-c',
    questions.replaceAll(/^curl /gm, 'curl --silent ').replaceAll('\n', '; echo;\n'),
  ]);
  const [latest = '', list = '', ...stream] = stdout.split('\n');
  expect(JSON.parse(latest)).toMatchObject({ device: 'mailbox-1' });
  expect(JSON.parse(list)).toMatchObject({ predictions: [{ device: 'mailbox-1' }], complete: true });
  const event = stream.find((row) => row.startsWith('data: ')) ?? '';
  expect(JSON.parse(event.slice(6))).toEqual(JSON.parse(latest));
});

describe('Python', () => {
  const absent =
    required || obtained(pythonClientsSupply) ? '' : ` (not run: ${pythonClientsSupply.title} not in ${cacheFolder()})`;
  const python = async (code: string) => {
    const folder = await obtain(pythonClientsSupply, (row) => console.error(`servers: ${row}`));
    return await run('python3', ['-c', code], { PYTHONPATH: folder });
  };

  test.skipIf(absent)(`requests gets the label${absent}`, { timeout: 600_000 }, async () => {
    expect(await python(requests)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^mailbox-2 \w+ [\d.]+\n$/),
    });
  });

  test.skipIf(absent)(`InfluxDB's client sends${absent}`, { timeout: 600_000 }, async () => {
    expect(await python(influxdb)).toEqual({ code: 0, stdout: '', stderr: '' });
    await expect
      .poll(async () => (await fetch(`${live}/predictions/latest?device=mailbox-3`)).status, { timeout: 20_000 })
      .toBe(200);
  });
});

test('JavaScript gets the label, and follows the labels', patient, async () => {
  const node = process.execPath;
  const following = run(node, [
    '--experimental-eventsource',
    '--input-type=module',
    '-e',
    `${events.replace("'/predictions/stream?label=spam'", `'${live}/predictions/stream?device=mailbox-5'`)}
     events.addEventListener('prediction', () => process.exit());
     await new Promise((resolve) => events.addEventListener('open', resolve));
     const { setTimeout: sleep } = await import('node:timers/promises');
     for (;;) { await send(); await sleep(200); }
     async function send() { ${post.replace('mailbox-4', 'mailbox-5').replace('console.log', 'void ')} }`,
  ]);
  const posted = await run(node, ['--input-type=module', '-e', post]);
  expect([posted.code, posted.stdout]).toEqual([0, expect.stringMatching(/^(spam|ham|unknown)\n$/)]);
  expect(await following).toMatchObject({ code: 0, stdout: 'mailbox-5\n' });
});

const bridged = required || (mosquittoIsHere() && telegrafProgram() !== undefined);
const why = bridged ? '' : ' (not run: it needs mosquitto, mosquitto-clients and Telegraf)';

test.runIf(bridged)(`a device that speaks MQTT gets its label${why}`, { timeout: 600_000 }, async () => {
  await obtain(telegrafSupply, console.error);
  const telegraf = dirname(telegrafProgram() ?? '');
  const broker = await startMosquitto();
  onTestFinished(() => broker.stop());
  const here = (code: string) =>
    code.replaceAll('tcp://127.0.0.1:1883', broker.url).replace('-p 1883', `-p ${broker.port}`);
  const env = { ...process.env, PATH: `${telegraf}${delimiter}${process.env.PATH}` };
  // `exec`: a signal reaches Telegraf, and not the shell alone.
  const script = here(bridge)
    .replaceAll('http://127.0.0.1:8080', collector)
    .replace(/^telegraf/m, 'exec telegraf');
  const agent = spawn('bash', ['-ec', script], { cwd: root, env, stdio: 'ignore' });
  onTestFinished(async () => {
    agent.kill('SIGKILL');
    if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
  });
  // Until Telegraf has subscribed, the broker has nobody to keep a message for.
  const label = async () => {
    expect(await run('bash', ['-ec', here(publish)])).toEqual({ code: 0, stdout: '', stderr: '' });
    return JSON.parse((await run('bash', ['-ec', latest.replace('curl', 'curl --silent')])).stdout);
  };
  await expect
    .poll(label, { timeout: 120_000, interval: 500 })
    .toMatchObject({ device: 'mailbox-7', label: expect.any(String), filled: { word_freq_you: expect.any(Number) } });
});
