import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionlint } from '../test/servers/go-programs.ts';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const workflow = '.github/workflows/ci.yml';
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const here = required || actionlint.program() !== undefined;
const why = here ? '' : ' (not run: no actionlint here; `npm test` builds it where Go is)';

/** The commands that a workflow runs, in its order and each once. */
function commandsOf(text: string): string[] {
  const { jobs } = parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> };
  const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run?.trim().split('\n') ?? []));
  return [...new Set(runs)];
}

test.runIf(here)(`actionlint finds nothing in the workflow${why}`, { timeout: 300_000 }, async () => {
  const program = await actionlint.obtain();
  const { status, stdout, stderr } = spawnSync(program, ['-no-color', workflow], { cwd: root, encoding: 'utf8' });
  expect(`${stdout}${stderr}`).toBe('');
  expect(status).toBe(0);
  const broken = read(workflow).replace('runs-on: ubuntu-24.04', 'runs-on: ubuntu-24.4');
  const found = spawnSync(program, ['-no-color', '-'], { cwd: root, encoding: 'utf8', input: broken });
  expect(found.stdout).toContain('ubuntu-24.4');
});

test('the workflow runs the commands that CONTRIBUTING.md names, and no others', () => {
  const named = /runs these commands and no others:\n\n```sh\n([^`]+)```/.exec(read('CONTRIBUTING.md'))?.[1];
  expect(commandsOf(read(workflow))).toEqual(named?.trim().split('\n'));
});

test('the workflow lints, then tests, then builds the images', () => {
  const { jobs } = parse(read(workflow)) as { jobs: Record<string, { needs?: string }> };
  expect(jobs.check?.needs).toBeUndefined();
  expect([jobs.tests?.needs, jobs.images?.needs]).toEqual(['check', 'tests']);
});

test('each npm script that a document names is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const pages = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'SECURITY.md', '.github/PULL_REQUEST_TEMPLATE.md'];
  const named = pages.flatMap((page) => [...read(page).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name ?? ''));
  expect(named).toContain('test:quick');
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test.each(['bug', 'idea'])('the issue form %s has a name, a description and fields with ids of their own', (name) => {
  const form = parse(read(`.github/ISSUE_TEMPLATE/${name}.yml`)) as {
    name: string;
    description: string;
    body: { type: string; id?: string; attributes: { label?: string; value?: string } }[];
  };
  expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
  const fields = form.body.filter(({ type }) => type !== 'markdown');
  expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
  for (const { id, attributes } of fields)
    expect([id, attributes.label]).toEqual([expect.any(String), expect.any(String)]);
});
