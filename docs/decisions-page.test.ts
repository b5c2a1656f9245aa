import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { datesOf, decisionsIndex, readDecisions } from './decisions-page.ts';

const folder = join(import.meta.dirname, 'decisions');
const index = readFileSync(join(folder, 'README.md'), 'utf8');
const decisions = readDecisions(folder);

test('each decision is listed with its title, its status and a date; `npm run docs` writes the list anew', () => {
  expect(decisions.length).toBeGreaterThan(40);
  expect([...datesOf(index).keys()]).toEqual(decisions.map(({ file }) => file));
  expect(decisionsIndex(decisions, datesOf(index))).toBe(index);
});

test('the title of a decision begins with the number of its file, and no number is used twice', () => {
  for (const { file, title } of decisions) expect(title.slice(0, 6)).toBe(`${file.slice(0, 4)}: `);
  expect(new Set(decisions.map(({ file }) => file.slice(0, 4))).size).toBe(decisions.length);
});

test('a status in a file is told in the list', () => {
  const old = { file: '0001-old.md', title: '0001: Old', status: 'superseded by 0002' };
  expect(decisionsIndex([old], new Map([[old.file, '2026-01-02']]))).toContain(
    '| [0001: Old](0001-old.md) | superseded by 0002 | 2026-01-02 |',
  );
});
