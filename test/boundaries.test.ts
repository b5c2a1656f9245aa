import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Which folders a folder's files may import, beside itself: data flows one way, stages meet only in the log and the store. */
const mayImport: Record<string, readonly string[]> = {
  'core/wire': [],
  'core/stage': ['core/wire'],
  'core/numeric': ['core/wire'],
  'core/statistics': ['core/wire'],
  'core/http': ['core/wire'],
  'core/log': ['core/wire'],
  'core/store': ['core/wire'],
  'core/model': ['core/wire', 'core/numeric', 'core/statistics'],
  'core/access': ['core/wire', 'core/http'],
  'core/dataset': ['core/wire', 'core/numeric'],
  generator: ['core/wire', 'core/stage', 'core/numeric', 'core/dataset'],
  collector: ['core/wire', 'core/stage', 'core/http', 'core/statistics', 'core/log', 'core/store', 'core/access'],
  classifier: ['core/wire', 'core/stage', 'core/numeric', 'core/statistics', 'core/log', 'core/model'],
  serving: ['core/wire', 'core/stage', 'core/http', 'core/numeric', 'core/model', 'core/access'],
  training: ['core/wire', 'core/numeric', 'core/statistics', 'core/store', 'core/model', 'core/dataset'],
  dashboard: ['core/wire', 'core/stage', 'core/http', 'core/statistics', 'core/log', 'core/access'],
  telegraf: ['core/wire'],
  influxdb: ['core/wire'],
};
/** These stand outside the line and may see all of it. */
const mayImportAll = ['cli', 'bench', 'test', 'docs', 'scripts', 'examples'];

const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g;

function folderOf(file: string): string {
  return /^(core\/)?[^/]+/.exec(file)?.[0] ?? file;
}

function sources(): string[] {
  return globSync('*/**/*.{ts,mjs,js}', { cwd: root, exclude: (name) => name === 'node_modules' || name === 'data' });
}

/** Tests may start real servers, and read the examples. */
const allowed = (from: string, to: string, file: string) =>
  from === to ||
  mayImportAll.includes(from) ||
  mayImport[from]?.includes(to) ||
  (file.endsWith('.test.ts') && ['test', 'examples'].includes(to));

/** Tests, and what only they import: contract suites and the places where these find a server. */
const isForTests = (file: string) => /\.test\.ts$|\/(contract|testing|power-loss)\/|\/site\.ts$/.test(file);

function violations(file: string, text: string): string[] {
  const from = folderOf(file);
  return [...text.matchAll(importPattern)]
    .map(([, target = '']) => relative(root, join(root, dirname(file), target)))
    .filter((target) => target.includes('/') && !allowed(from, folderOf(target), file))
    .map((target) => `${file} imports ${target}`);
}

test('every folder with code is in the table', () => {
  const folders = new Set(sources().map(folderOf));
  const known = new Set([...Object.keys(mayImport), ...mayImportAll]);
  expect([...folders].filter((folder) => !known.has(folder))).toEqual([]);
});

test('no import goes outside the table', () => {
  const found = sources().flatMap((file) => violations(file, readFileSync(join(root, file), 'utf8')));
  expect(found).toEqual([]);
});

test('an import outside the table is found, whatever its form', () => {
  const text =
    "import { a } from '../../collector/a.ts';\nconst b = await import('../store/port.ts');\nimport './own.ts';";
  expect(violations('core/log/sqlite.ts', text)).toEqual([
    'core/log/sqlite.ts imports collector/a.ts',
    'core/log/sqlite.ts imports core/store/port.ts',
  ]);
});

test('only the command line reads the environment, signals and exits', () => {
  const stages = sources().filter((file) => !mayImportAll.includes(folderOf(file)) && !isForTests(file));
  const found = stages.filter((file) =>
    /\bprocess\.(env|exit|argv)\b|process\.on\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(found).toEqual([]);
});
