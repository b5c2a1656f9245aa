import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { beats, fields, kinds, samples } from './simulator.ts';

// The README is run as it stands there, but for the port, in a copy of this folder.

const root = resolve(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'gapline-heartbeat-'));
const copy = join(place, 'examples/heartbeat');
mkdirSync(copy, { recursive: true });
for (const name of ['README.md', 'stream.yaml', 'simulate.ts', 'simulator.ts', 'mitbih.ts'])
  cpSync(join(import.meta.dirname, name), join(copy, name));
for (const shared of ['random.ts', 'arguments.ts'])
  cpSync(join(root, 'examples', shared), join(place, 'examples', shared));
writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
// `npx node` takes the Node of the nearest node_modules, the host's where there is none.
symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
const [simulate = '', start = '', ...curls] = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code = '']) => code);
const mitbih = curls.pop() ?? '';
const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
const run = (script: string): string => execFileSync('bash', ['-euc', script], { cwd: place, env, encoding: 'utf8' });

/** The gateway of the README, on a free port; resolves with its address. */
async function startGateway(): Promise<{ url: string; stop(): Promise<void> }> {
  const command = start.trim().replace('./gapline', `exec ${join(root, 'gapline')}`);
  const child = spawn('bash', ['-euc', `${command} --port 0 --log-level error`], { cwd: place, env });
  const ended = text(child.stderr);
  const url = await new Promise<string>((found, failed) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      printed += more;
      const [, address] = /gateway: (http\S+)/.exec(printed) ?? [];
      if (address !== undefined) found(address);
    });
    child.on('exit', async () => failed(new Error(await ended)));
  });
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

test('what the README says is what happens', { timeout: 480_000 }, async () => {
  run(simulate);
  const gateway = await startGateway();
  try {
    const script = curls.join('\n').replace('http://127.0.0.1:8000', gateway.url);
    const answers = run(script)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [task, update, ann, predicted, sample, refused, audit] = answers;
    expect(task).toMatchObject({
      kind: 'train',
      state: 'done',
      user: 'admin',
      result: { version: 1, on: 'test', rows: 500 },
    });
    expect(task.result.f1).toBeGreaterThan(0.8);
    expect(update).toMatchObject({ from: 1, to: 1, metric: 'f1' });
    expect(ann).toMatchObject({ username: 'ann', roles: [{ role: 'user', stream: '*' }] });
    expect(predicted.predictions).toMatchObject([{ label: 'paced' }]);
    expect(Object.keys(kinds)).toContain(sample.truth);
    expect(Object.keys(sample.values)).toHaveLength(samples);
    expect(refused).toMatchObject({ status: 403, code: 'right-missing' });
    expect(audit.records.map(({ action, user, status }: Record<string, unknown>) => [action, user, status])).toEqual([
      ['train', 'ann', 403],
      ['sign-in', undefined, 200],
      ['register', undefined, 201],
      ['update', 'admin', 200],
      ['train ended', 'admin', undefined],
    ]);
  } finally {
    await gateway.stop();
  }
});

test('the files of the MIT-BIH beats become the same tables', () => {
  for (const name of ['mitbih_train.csv', 'mitbih_test.csv'])
    writeFileSync(
      join(place, name),
      beats(20, 9, 0)
        .map(({ values }, row) => `${values.join(',')},${row % 5}.0\n`)
        .join(''),
    );
  expect(run(mitbih)).toBe('train.csv: 20 beats\ntest.csv: 20 beats\n');
  const [header, first = ''] = readFileSync(join(copy, 'data/train.csv'), 'utf8').split('\n');
  expect(header).toBe(`${fields.join(',')},label`);
  expect(first.split(',')).toHaveLength(samples + 1);
  expect(first).toMatch(/,normal$/);
  writeFileSync(join(place, 'mitbih_test.csv'), '1,2,3\n');
  expect(() => run(mitbih)).toThrow(/mitbih_test\.csv: row 1 is not 187 samples/);
});

test('the same seed gives the same beats, of every kind, between 0 and 1', () => {
  const all = beats(400, 7);
  expect(beats(400, 7)).toEqual(all);
  for (const kind of Object.keys(kinds))
    expect(all.filter((beat) => beat.kind === kind).length, kind).toBeGreaterThan(5);
  const values = all.flatMap((beat) => beat.values);
  expect(values.every((value) => value === null || (value >= 0 && value <= 1))).toBe(true);
  expect(values.filter((value) => value === null).length / values.length).toBeGreaterThan(0.01);
});
