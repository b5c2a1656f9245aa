import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const text = readFileSync(join(root, 'docs/walkthrough.md'), 'utf8');
const commands = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, command]) => command!.trim());

/** What each command prints, by a part of the command. One that is not here must succeed, whatever it prints. */
const prints: readonly [part: string, output: RegExp][] = [
  ['head -n 1', /^word_freq_make,.*,char_freq_;,.*,label\n$/],
  ['wc -l', /3681 .*train\.csv\n.*922 .*test\.csv/],
  ['ls examples', /1/],
  ['sha256sum -c', /model\.json: OK\nforest\.json\.gz: OK/],
  ['--importance', /^ *\d+\.\d\d % +█+ +char_freq_!$/m],
  ['--on examples', /with none shuffled it is 0\.9\d+\n.* ± .*█{24} +\S+$/m],
  ['imputer=median', /accuracy 0\.9[4-9]/],
  ['ml-random-forest', /accuracy 0\.[6-9]/],
  ['--compare', /^mean +0\.9\d+ +0\.\d+/m],
  ['imputer=gaussian', /spambase version 6.*\n.*accuracy 0\.9[4-9]/],
  ['models promote', /version 6 serves/],
  ['gapline new', /label column: label \(guessed/],
  ['gapline predict', /^row,label,probability,.*\n1,spam,0\.\d+,/],
];

let copy = '';
/** The repository as it is but for the examples, which the commands change. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'gapline-walkthrough-'));
  for (const name of globSync('*', { cwd: root })) {
    if (name !== 'examples' && name !== 'data') symlinkSync(join(root, name), join(copy, name));
  }
  mkdirSync(join(copy, 'examples'));
  cpSync(join(root, 'examples/spambase'), join(copy, 'examples/spambase'), { recursive: true });
  // What the scripts of examples share.
  for (const name of globSync('examples/*.ts', { cwd: root })) cpSync(join(root, name), join(copy, name));
});
afterAll(() => rmSync(copy, { recursive: true }));

it('has commands to run', () => {
  expect(commands.length).toBeGreaterThan(5);
  for (const [part] of prints) expect(commands.some((command) => command.includes(part))).toBe(true);
});

it.each(commands)('the walkthrough is right: %s', { timeout: 180_000 }, (command) => {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', command], {
    cwd: copy,
    encoding: 'utf8',
    timeout: 170_000,
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  for (const [part, output] of prints) if (command.includes(part)) expect(stdout).toMatch(output);
});
