import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { gapline, spambase, temporaryFolder } from './gapline.ts';

const ppg = ['--config', join(import.meta.dirname, '../../examples/ppg/stream.yaml'), '--page-port', '0'];

test('--help lists every subcommand, and each subcommand every option with its text', () => {
  const program = createProgram();
  const check = (command: typeof program) => {
    for (const child of command.commands) {
      expect(command.helpInformation()).toContain(child.name());
      expect(child.description()).not.toBe('');
      for (const option of child.options.filter(({ hidden }) => !hidden)) {
        expect(child.helpInformation()).toContain(option.flags);
        expect(option.description).not.toBe('');
      }
      check(child);
    }
  };
  check(program);
});

test.each([
  { args: ['dance'], says: /unknown command 'dance'/ },
  { args: ['up', '--config', spambase, '--labels', 'many'], says: /expected a whole number/ },
  { args: ['up', '--config', 'none.yaml'], says: /none\.yaml: there is no such file/ },
  {
    args: [
      'up',
      ...ppg,
      '--set',
      'steps=[{use: resample, rate: 125, maxGap: 1s}, {use: filter, band: bandpass, low: 8, high: 0.5}]',
    ],
    says: /steps\.1 \(filter\): high: 0\.5 Hz is not above low, 8 Hz/,
  },
  {
    args: [
      'up',
      ...ppg,
      '--set',
      'steps=[{use: resample, rate: 125, maxGap: 1s}, {use: filter, band: lowpass, high: 80}]',
    ],
    says: /steps\.1 \(filter\): high: 80 Hz is not below half the rate, 62\.5 Hz/,
  },
  {
    args: [
      'classify',
      ...ppg.slice(0, 2),
      '--set',
      'steps=[{use: filter, along: row, rate: 125, band: lowpass, high: 80}]',
    ],
    says: /steps\.0 \(filter\): high: 80 Hz is not below half the rate, 62\.5 Hz/,
  },
  { args: ['collect', '--config', spambase, '--log', 'http://x'], says: /expected kafka:\/\/HOST:PORT or a file/ },
])('gapline $args ends with one clear complaint', async ({ args, says }) => {
  const ended = await gapline([...args], { cwd: temporaryFolder() }).ended;
  expect(ended.code).not.toBe(0);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
});

test('import-dashboard --output writes the template and asks no InfluxDB', async () => {
  const file = join(temporaryFolder(), 'dashboard.json');
  const store = ['--store', 'http://127.0.0.1:1/gapline/hall'];
  const ended = await gapline(['import-dashboard', '--config', spambase, ...store, '--output', file]).ended;
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(file), stderr: '' });
  const template: { kind: string; spec: { name: string; query?: string } }[] = JSON.parse(readFileSync(file, 'utf8'));
  expect(template[0]).toMatchObject({ kind: 'Dashboard', spec: { name: 'Gapline spambase' } });
  const checks = template.filter(({ kind }) => kind.startsWith('Check'));
  expect(checks).toHaveLength(3);
  for (const { spec } of checks) expect(spec.query).toContain('from(bucket: "hall")');
});

test('a port in use is reported with what to do', { timeout: 60_000 }, async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const run = (...ports: string[]) =>
    gapline(['up', '--config', spambase, '--data', temporaryFolder(), ...ports]).ended;
  const page = await run('--page-port', String(port), '--collector-port', '0');
  expect(page.code).toBe(1);
  expect(page.stderr).toContain(`127.0.0.1:${port} is in use; choose another with --page-port PORT`);
  const collector = await run('--page-port', '0', '--collector-port', String(port));
  expect(collector.code).toBe(1);
  expect(collector.stderr).toContain(`127.0.0.1:${port} is in use; choose another with --collector-port PORT`);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s drains within 10 s and exits 0', { timeout: 60_000 }, async (signal) => {
  const fast = ['--set', 'generator.rate=0', '--set', 'generator.batch=100'];
  // Also before as many labels are there as were wanted.
  const ports = ['--collector-port', '0', '--page-port', '0', '--labels', '1000000000'];
  const run = gapline(['up', '--config', spambase, '--data', temporaryFolder(), ...ports, ...fast]);
  const page = await run.printed(/live page: +(\S+)/);
  expect((await fetch(new URL('/health', page))).status).toBe(200);
  const sentMs = performance.now();
  run.kill(signal);
  const ended = await run.ended;
  expect(ended.code).toBe(0);
  expect(performance.now() - sentMs).toBeLessThan(10_000);
  expect(ended.stdout).toMatch(/\d+ labels, 0 dead letters/);
});
