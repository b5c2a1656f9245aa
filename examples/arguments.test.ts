import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// A script of an example is one that a person runs: it stands in its README or in its own usage.
const scripts = globSync('*/*.ts', { cwd: import.meta.dirname }).filter((file) =>
  readFileSync(join(import.meta.dirname, file), 'utf8').includes('readArguments('),
);
const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, script), ...args], { encoding: 'utf8' });

test('every script that the pages name reads its arguments in this way', () => {
  const pages = globSync('*/README.md', { cwd: import.meta.dirname }).map((file) =>
    readFileSync(join(import.meta.dirname, file), 'utf8'),
  );
  const named = pages.flatMap((page) =>
    [...page.matchAll(/npx node examples\/(\S+\.ts)/g)].map(([, script]) => script),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((script) => !scripts.includes(`${script}`))).toEqual([]);
});

test.each(scripts)('%s --help prints its usage, and an unknown option is one line', (script) => {
  const { status, stdout, stderr } = run(script, '--help');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^npx node examples/${script}.*\n\n\\S`));
  const refused = run(script, '--nonsense');
  expect([refused.status, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toMatch(new RegExp(`^Unknown option '--nonsense'; usage: npx node examples/${script}.*\n$`));
});

test('a number that is none, and a file that is not there, are one line', () => {
  const { status, stderr } = run('icu/simulate.ts', '--hours', 'many');
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^--hours many: a whole number from 1 on; usage: .*\n$/)]);
  const absent = run('heartbeat/mitbih.ts', 'absent.csv', 'absent.csv');
  expect([absent.status, absent.stderr]).toEqual([1, expect.stringMatching(/^absent\.csv cannot be read.*\n$/)]);
});
