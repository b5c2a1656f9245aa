import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

interface Recipe {
  readonly title: string;
  /** By path, what the recipe writes. */
  readonly files: ReadonlyMap<string, string>;
  /** The line that registers it, and the file where it goes. */
  readonly line: string;
  readonly registry: string;
  readonly command: string;
}

/** The recipes of the page: files from blocks that begin with a path, one line to add, and the command that tests it. */
function recipes(): Recipe[] {
  const part = page.split('\n## Recipes\n')[1]?.split('\n## ')[0] ?? '';
  return part
    .split('\n### ')
    .slice(1)
    .map((text) => {
      const title = text.split('\n', 1)[0] ?? '';
      const files = [...text.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)].map(
        ([, path, code]) => [path!, code!] as const,
      );
      const [, registry] = /The line, in `([^`]+)`/.exec(text) ?? [];
      const lines = [...text.matchAll(/```diff\n\+(.*)\n```/g)];
      const [, command] = /```sh\n(.*)\n```/.exec(text) ?? [];
      expect([title, lines.length]).toEqual([title, 1]);
      return { title, files: new Map(files), line: lines[0]![1]!, registry: registry!, command: command! };
    });
}

const all = recipes();

/** Writes a recipe's files, and its line into the registry. */
function follow({ files, registry, line }: Recipe): void {
  for (const [path, code] of files) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), code);
  }
  appendFileSync(join(copy, registry), `${line}\n`);
}

let copy = '';
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'gapline-recipe-'));
  // With files that are not committed yet.
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0');
  for (const file of files.filter((name) => /\.(ts|json|mjs|yaml|csv)$/.test(name))) {
    cpSync(join(root, file), join(copy, file), { recursive: true, force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const recipe of all) follow(recipe);
});
afterAll(() => rmSync(copy, { recursive: true }));

/** Runs a program in the copy; what it wrote, where it failed. */
function failureOf(program: string, ...args: string[]): string {
  const env = { ...process.env, NO_COLOR: '1', VITEST: undefined };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: copy, encoding: 'utf8', env });
  return status === 0 ? '' : `${stdout}\n${stderr}`;
}

describe('the recipes of CONTRIBUTING.md', () => {
  test('have the right types', { timeout: 180_000 }, () => {
    expect(all).toHaveLength(4);
    expect(failureOf('node_modules/.bin/tsc', '--noEmit')).toBe('');
  });

  test.each(all)('$title: one line registers it, and its suite passes', { timeout: 180_000 }, (recipe) => {
    const [, , , ...names] = recipe.command.split(' ');
    const report = join(copy, 'report.json');
    const quick = ['run', '--config', 'vitest.quick.config.ts', '--reporter=json', `--outputFile=${report}`, ...names];
    expect(failureOf(process.execPath, 'node_modules/vitest/vitest.mjs', ...quick)).toBe('');
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      numPassedTests: number;
      testResults: { assertionResults: { fullName: string; status: string }[] }[];
    };
    expect(numPassedTests).toBeGreaterThan(5);
    // The suite ran on the new one, by its name.
    const name = /\b(\w+) \}|\{ kind: '(\w+)'/.exec(recipe.line)?.[1] ?? '';
    const words = name.replace(/([A-Z])/g, ' $1').toLowerCase();
    const titles = testResults.flatMap(({ assertionResults }) =>
      assertionResults.map(({ fullName }) => fullName.toLowerCase()),
    );
    expect(titles.filter((title) => title.includes(words)).length).toBeGreaterThan(3);
  });
});
