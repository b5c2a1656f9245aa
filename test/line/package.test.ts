import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findChromium, launchBrowser } from '../../dashboard/testing/browser.ts';
import { nodeFolderIn, oldestNode, oldestNodeFolder, oldestNodeSupply } from '../servers/node.ts';
import { obtain } from '../servers/obtain.ts';
import { root } from './gapline.ts';

// What `npm pack` gives, installed into empty folders as a person would do it: nothing here runs from the clone.

const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const minutes = 60_000;
const pinned = join(root, 'node_modules/node/bin');
const oldest = required ? nodeFolderIn(await obtain(oldestNodeSupply, console.error)) : oldestNodeFolder();
const nodes = [
  ['the pinned Node', pinned],
  [`Node ${oldestNode}${oldest ? '' : ' (not run: it is not here; `npm test` gets it)'}`, oldest],
] as const;
const chromium = findChromium();

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-package-'));
  const args = ['pack', '--silent', '--pack-destination', folder];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, env: withNode(pinned) });
  tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '');
}, 3 * minutes);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The environment of a person with this Node, who has none of the variables of this run, but the certificates of this network. */
function withNode(bin: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(GAPLINE_|NODE_(?!EXTRA_CA_CERTS$)|npm_|VITEST)/.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: `${bin}${delimiter}${process.env.PATH}` };
}

/** Runs a command of the person in their folder, whatever it ends with. */
async function run(bin: string, cwd: string, command: string, ...args: string[]) {
  const child = spawn(command, args, { cwd, env: withNode(bin), stdio: ['ignore', 'pipe', 'pipe'] });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...out };
}

test('the tarball is small, and has nothing that only development needs', async () => {
  const { stdout } = await promisify(execFile)('tar', ['-tzf', tarball]);
  const files = stdout.trim().split('\n');
  expect((await stat(tarball)).size).toBeLessThan(5_000_000);
  expect(files.filter((file) => /\.test\.|\/(testing|fixtures|contract|bench|test)\//.test(file))).toEqual([]);
  expect(files.filter((file) => file.endsWith('.ts') && !file.startsWith('package/dist/library/'))).toEqual([]);
  expect(files).toContain('package/dist/examples/spambase/models/spambase/1/model.json');
  // Those that are simulated would not run from there.
  const examples = files.flatMap((file) => /^package\/dist\/examples\/(\w+)\//.exec(file)?.[1] ?? []);
  expect(new Set(examples)).toEqual(new Set(['spambase']));
});

describe.each(nodes)('installed on %s', (_name, bin = '') => {
  describe.runIf(bin !== '')('in an empty folder', { timeout: 2 * minutes }, () => {
    let home: string;
    let browser: Browser | undefined;
    const person = (command: string, ...args: string[]) => run(bin, home, command, ...args);

    beforeAll(async () => {
      home = await mkdtemp(join(folder, 'home-'));
      const installed = await person('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball);
      expect(installed).toMatchObject({ code: 0, stderr: '' });
      if (chromium !== undefined) browser = await launchBrowser(chromium);
    }, 3 * minutes);
    afterAll(() => browser?.close());

    test('the demo runs, and its page lives in a browser', async () => {
      // Not by npx: it does not pass a signal on.
      const args = [
        'node_modules/gapline/dist/cli/bin/gapline.cjs',
        'up',
        '--collector-port',
        '0',
        '--page-port',
        '0',
        '--log-level',
        'error',
      ];
      const line = spawn('node', args, { cwd: home, env: withNode(bin), stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = once(line, 'close');
      let [stdout, stderr] = ['', ''];
      line.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      line.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      try {
        const address = () => /live page: +(\S+)/.exec(stdout)?.[1] ?? '';
        await vi.waitFor(() => expect(address(), stderr).not.toBe(''), { timeout: 30_000 });
        const script = await fetch(new URL('/page/main.js', address()));
        expect(script.headers.get('content-type')).toContain('text/javascript');
        if (browser) {
          const page = await browser.newPage();
          const complaints: string[] = [];
          const complain = (text: string) => {
            // Chromium breaks requests off when a network comes or goes, as beside containers that start.
            if (!text.includes('ERR_NETWORK_CHANGED')) complaints.push(text);
          };
          page.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) complain(message.text());
          });
          page.on('pageerror', (error) => complain(error.message));
          await vi.waitFor(
            async () => {
              // A script that was broken off is fetched again by a person, too.
              await page.goto(address());
              const enough = page.locator('#recent .chip').nth(3).waitFor({ timeout: 25_000 });
              const health = () => page.locator('#health-text').textContent();
              await enough.catch(async () => expect.fail([await health(), ...complaints, stderr].join('\n')));
              expect(await page.locator('#model').textContent()).toMatch(/^spambase version/);
            },
            { timeout: 80_000, interval: 200 },
          );
          await page.close();
          expect(complaints).toEqual([]);
        }
      } finally {
        line.kill('SIGTERM');
        await ended;
      }
      expect(stderr).toBe('');
      expect(stdout).toMatch(/labels/);
    });

    test('a stream is made of a table and trained, by worker threads, without a warning', async () => {
      await writeFile(join(home, 'pumps.csv'), pumps());
      const made = await person('npx', 'gapline', 'new', 'pumps', '--data', 'pumps.csv', '--quick');
      expect(made, made.stderr).toMatchObject({ code: 0 });
      expect(made.stdout).toContain('npx gapline up --config pumps/stream.yaml');
      const library = ['--set', 'training.engine=ml-random-forest', '--set', 'training.trees=2'];
      for (const more of [[], library]) {
        const trained = await person('npx', 'gapline', 'train', '--config', 'pumps/stream.yaml', ...more);
        expect(trained, trained.stderr).toMatchObject({ code: 0 });
        expect(made.stderr + trained.stderr).not.toMatch(/warning/i);
      }
    });

    if (bin === oldest)
      test('the Kafka client for which it is too old is refused in one line', async () => {
        const example = 'node_modules/gapline/dist/examples/spambase/stream.yaml';
        const args = ['collect', '--config', example, '--log', 'platformatic://127.0.0.1:1', '--port', '0'];
        const { code, stdout, stderr } = await person('npx', 'gapline', ...args);
        expect([code, stdout], stderr).toEqual([1, '']);
        expect(stderr).toMatch(
          /^gapline: .*platformatic:\/\/ needs Node 22\.22 .*\(this is 22\.18\.0\).* use kafka:\/\/.*\n$/,
        );
      });

    test('a program loads a model and predicts rows with gaps; nothing else can be imported', async () => {
      await writeFile(join(home, 'label.mjs'), program);
      const ended = await person('node', 'label.mjs');
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(ended.stdout)).toEqual({
        right: true,
        gaps: 2,
        filled: 2,
        code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
      });
    });

    test('a strict program in TypeScript has its types, without those of Node', async () => {
      const typed = join(home, 'typed');
      await mkdir(typed, { recursive: true });
      await writeFile(join(typed, 'package.json'), '{ "type": "module" }');
      await writeFile(join(typed, 'label.ts'), typedProgram);
      const options = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: [] };
      await writeFile(join(typed, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['label.ts'] }));
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      expect(await run(pinned, typed, 'node', tsc, '-p', '.')).toEqual({ code: 0, stdout: '', stderr: '' });
      await writeFile(join(typed, 'label.ts'), typedProgram.replace('temperature: null', "temperature: 'hot'"));
      expect((await run(pinned, typed, 'node', tsc, '-p', '.')).stdout).toContain("'string' is not assignable");
    });
  });
});

test.each(['0.12.18', '20.11.1', '22.17.1', '23.11.0', '24.3.0'])('Node %s is told in one line', async (version) => {
  const guard = join(root, 'dist/cli/bin/gapline.cjs');
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require('${guard}')`;
  const { code, stdout, stderr } = await run(pinned, folder, 'node', '-e', pretend);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^gapline: this is Node [\d.]+; Gapline needs .*\n$/);
  // A Node of then must be able to read it.
  expect(await readFile(guard, 'utf8')).not.toMatch(/=>|\b(const|let|class|async|import)\b|`\$/);
});

/** 300 rows of three pumps, of which some are worn. */
function pumps(): string {
  let seed = 1;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const lines = Array.from({ length: 300 }, (_, index) => {
    const worn = random() < 0.4;
    const values = [(worn ? 3 : 4) + 2 * random(), 4 * random(), (worn ? 60 : 50) + 20 * random()];
    const time = new Date(1.7e12 + index * 1_000).toISOString();
    return [time, `p${index % 3}`, ...values.map((value) => value.toFixed(3)), worn ? 'worn' : 'well'].join();
  });
  return `time,device,pressure,flow,heat,state\n${lines.join('\n')}\n`;
}

const program = `
import { readFileSync } from 'node:fs';
import { loadModel } from 'gapline';
const example = 'node_modules/gapline/dist/examples/spambase';
const [header, ...lines] = readFileSync(example + '/data/test.csv', 'utf8').split('\\n').map((line) => line.split(','));
const model = await loadModel(example + '/models/spambase', { version: 1 });
const rows = lines
  .filter((cells) => cells.at(-1) === 'spam')
  .map((cells) => Object.fromEntries(header.slice(0, -1).map((name, at) => [name, Number(cells[at])])))
  .map((values) => ({ values: { ...values, word_freq_3d: null, word_freq_table: undefined } }));
const labelled = await model.predict(rows);
const share = labelled.filter(({ label }) => label === 'spam').length / rows.length;
const [{ gaps, filled }] = labelled;
await model.close();
const code = await import('gapline/dist/core/model/open.js').catch((error) => error.code);
console.log(JSON.stringify({ right: share > 0.85, gaps, filled: Object.keys(filled).length, code }));
`;

const typedProgram = `
import { type LoadedModel, loadModel, type Prediction } from 'gapline';
const model: LoadedModel = await loadModel('models/pumps', { version: 'champion' });
const [first]: Prediction[] = await model.predict([{ device: 'p1', values: { temperature: null, flow: 1 } }]);
const share: number | undefined = first?.probabilities['worn'];
export const label: string | undefined = first?.label;
export default share;
`;
