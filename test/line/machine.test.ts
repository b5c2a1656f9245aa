import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';

/** A complaint: one line with its code, and never one that nobody foresaw. */
async function complaintOf(...args: string[]): Promise<string> {
  const { code, stderr } = await gapline(args, { cwd: temporaryFolder() }).ended;
  expect(code).toBe(1);
  const [last = '', ...before] = stderr.trimEnd().split('\n').reverse();
  // What was done before is shown in lines of progress.
  for (const line of before) expect(line).toMatch(/^\S+ +\d+ % /);
  expect(last).not.toContain('[internal]');
  return last;
}

const upOn = (data: string, ...more: string[]) =>
  complaintOf('up', '--config', spambase, '--data', data, '--no-generator', ...more);
const anyPorts = ['--collector-port', '0', '--page-port', '0'];

test('a file where a folder should be, of every folder that is named', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  for (const data of [file, join(file, 'deep')]) {
    expect(await upOn(data, ...anyPorts)).toContain('[file-unusable]');
    expect(await complaintOf('tokens', 'add', 'x', '--data', data)).toMatch(/\[(file-unusable|config-invalid)\]/);
  }
  const set = (key: string) => complaintOf('train', '--config', spambase, '--set', key, '--set', 'training.trees=1');
  expect(await set(`model.folder=${file}`)).toMatch(/\[(file-unusable|model-missing)\]/);
  const generate = ['generate', '--config', spambase, '--count', '1', '--to', 'http://127.0.0.1:1'];
  expect(await complaintOf(...generate, '--data', file)).toContain('[file-unusable]');
  expect(await complaintOf(...generate, '--ledger', join(file, 'ledger'))).toContain('[file-unusable]');
  const output = ['--store', 'http://127.0.0.1:1/a/b', '--output', join(file, 'x.json')];
  expect(await complaintOf('import-dashboard', '--config', spambase, ...output)).toContain('[file-unusable]');
}, 60_000);

test('a folder, a device and a pipe are no files, and nothing waits for them or reads without end', async () => {
  const folder = temporaryFolder();
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const file of [folder, '/dev/zero', pipe]) {
    expect(await complaintOf('up', '--config', file)).toMatch(/(folder|device).*\[config-invalid\]/);
    expect(await complaintOf('models', 'import', file, '--config', spambase)).toContain('[model-invalid]');
    const train = ['train', '--config', spambase, '--set', `data.train=${file}`];
    expect(await complaintOf(...train)).toContain('[data-invalid]');
    const tls = ['--tls-cert', file, '--tls-key', file];
    expect(await upOn(folder, ...anyPorts, ...tls)).toContain('[config-invalid]');
  }
}, 120_000);

test('a port that another program has is found before anything starts', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const data = join(temporaryFolder(), 'data');
  for (const [option, otherOption] of [
    ['--collector-port', '--page-port'],
    ['--page-port', '--collector-port'],
  ] as const) {
    const stderr = await upOn(data, option, String(port), otherOption, '0');
    expect(stderr).toContain(`127.0.0.1:${port} is in use; choose another with ${option} PORT`);
    expect(stderr).toContain('[port-in-use]');
  }
  expect(existsSync(data)).toBe(false);
});

test('an option that takes one value stands once; npm start has a default that --config replaces', async () => {
  const twice = await gapline(['up', '--config', spambase, '--config', 'other.yaml']).ended;
  expect(twice.code).toBe(1);
  expect(twice.stderr).toContain("option '--config <file>' stands twice");
  const data = await gapline(['tokens', 'list', '--data', 'a', '--data', 'b']).ended;
  expect(data.stderr).toContain("option '--data <folder>' stands twice");
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [, ...start] = scripts.start.split(' ');
  expect(await complaintOf(...start, '--config', 'mine.yaml')).toContain('mine.yaml: there is no such file');
});

test('names with commands for a terminal reach it as text', async () => {
  const folder = temporaryFolder();
  const evil = ['\u001b[31mred', 'bell\u0007', 'c1\u009b2J', 'rtl\u202ex'];
  const rows = Array.from({ length: 120 }, (_, row) =>
    [row % 2, row % 7, row % 5, row % 3, row % 2 ? 'b' : 'a'].join(),
  );
  writeFileSync(join(folder, 'train.csv'), `${[...evil, 'label'].join()}\n${rows.join('\n')}\n`);
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: evil\ndata: { train: train.csv, truth: label }\ntraining: { trees: 3 }\n');
  const data = join(folder, 'data');
  const outputs = [];
  for (const args of [
    ['train'],
    ['models', 'show', '1'],
    ['models', 'show', '1', '--importance'],
    ['models', 'show', '1', '--on', join(folder, 'train.csv'), '--repeats', '1'],
    ['train', '--set', 'data.truth=\u001b[31mnone'],
    ['doctor', '--data', data],
    ['\u001b[31mdance'],
    ['up', '--\u001b[31mdance'],
  ]) {
    const { stdout, stderr } = await gapline([...args, ...(args.length > 0 ? ['--config', config] : [])]).ended;
    outputs.push(stdout + stderr);
  }
  const made = await gapline(['new', 'evil', '--data', 'train.csv', '--folder', 'made'], { cwd: folder }).ended;
  for (const output of [...outputs, made.stdout + made.stderr])
    expect(output).not.toMatch(/[\p{Cc}\u202e](?<![\n\t])/u);
  expect(outputs[2]).toContain('\\u001b[31mred');
  expect(made.stdout).toContain('\\u001b[31mred');
}, 120_000);
