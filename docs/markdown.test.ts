import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tooLong, widest, wrapMarkdown } from './wrap.ts';

const root = resolve(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', '.github/**/*.md'], {
  cwd: root,
  exclude: (name) => name === 'node_modules',
});
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

describe('a line of Markdown', () => {
  test.each(pages)('of %s is at most 120 characters long; `npm run docs` wraps', (page) => {
    expect(tooLong(read(page))).toEqual([]);
  });

  const words = Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ');
  test('is broken between words, and stays in its list item', () => {
    const wrapped = wrapMarkdown(`- ${words}\n- short\n\n${words}\n`);
    expect(wrapped.split('\n').every((line) => line.length <= widest)).toBe(true);
    expect(wrapped).toMatch(/^- word0 .*\n {2}word/);
    expect(wrapped.replace(/\s+/g, ' ')).toBe(`- ${words} - short ${words} `);
    expect(wrapMarkdown(wrapped)).toBe(wrapped);
  });

  test('stays whole in code, in tables and where it has no space', () => {
    const address = `<https://example.org/${'a'.repeat(150)}>`;
    const code = '`'.repeat(3);
    const text = `${code}\n${words}\n${code}\n| ${words} |\n\n${address}\n`;
    expect(wrapMarkdown(text)).toBe(text);
    expect(tooLong(text)).toEqual([]);
    expect(tooLong(words)).toEqual([1]);
  });
});

/** Links to files of this repository, without the part after `#`. */
const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)]
    .map(([, link, source]) => (link ?? source ?? '').split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));

test.each(pages)('every link of %s leads to a file', (page) => {
  const dead = linksOf(read(page)).filter((target) => !existsSync(join(root, dirname(page), target)));
  expect(dead).toEqual([]);
});

// Decisions are history: they may name a file that is gone.
test.each(pages.filter((page) => !page.startsWith('docs/decisions/0')))('every file that %s names is there', (page) => {
  const named = [...read(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)].map(([, path]) => path ?? '');
  const known = new Set(globSync('*', { cwd: root }).filter((name) => name !== 'data'));
  const ours = named.filter((path) => known.has(path.split('/')[0] ?? ''));
  expect(ours.filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, `${path}.md`)))).toEqual([]);
});
