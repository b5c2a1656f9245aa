import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Words that once had a sense of this project's own, and the field's term for each. Plurals count as well. */
const banned: Readonly<Record<string, string>> = {
  seat: 'model slot',
  station: 'model session',
  succession: 'hot swap',
  crown: 'promote',
  crowned: 'promoted',
  door: 'endpoint, listener or proxy',
  parcel: 'request batch',
  punch: 'mask',
  punched: 'masked',
  puncher: 'mask',
  punching: 'masking',
  whereabouts: 'committed offset',
  patience: 'timeout',
  greet: 'wait for the broker',
  greeted: 'waited for',
  greeting: 'wait for the broker',
  surroundings: 'origin and host checks',
  likeness: 'learned metric',
  sharpness: 'inverse bandwidth',
  mend: 'patch, repair',
  mended: 'fixed',
  mending: 'fixing',
  cure: 'remedy',
  lane: 'worker',
  doubled: 'duplicated',
  vouch: 'certificate chain',
  'look every': 'poll',
  'go on': 'resume, continue',
  'goes on': 'resumes, continues',
  'going on': 'continuing',
  'begin anew': 'restart',
  'begins anew': 'restarts',
  'turned away': 'access denied',
  'turns away': 'denies access',
  'passed over': 'skipped',
  'passes over': 'skips',
  'is away': 'is unavailable',
  'are away': 'are unavailable',
  'were away': 'were unavailable',
  'the say': 'weight',
  'begun anew': 'restarted',
  'throw away group': 'ephemeral consumer group',
  'shown the past': 'warmed up, state restored',
  'no say': 'left out of the score',
  'share of the say': 'ensemble weight',
  'chances of its own': 'a random seed of its own',
};

/** Where such a word is the genuine term, or a name that others rely on. */
const genuine: readonly { readonly word: RegExp; readonly line: RegExp; readonly why: string }[] = [
  {
    word: /^lanes?$/,
    line: /^core\/(numeric\/wasm|(numeric|model)\/.*kernel)\.ts/,
    why: 'lanes of SIMD, and walks side by side',
  },
  {
    word: /^doors?$/,
    line: /^(collector\/metrics\.ts|collector\/.*test\.ts|docs\/operations\.md)/,
    why: 'a label of metrics',
  },
  { word: /^doors?$/, line: /^core\/dataset\/cases\.test\.ts/, why: 'a column of a table' },
  { word: /^doubled$/, line: /^core\/dataset\//, why: 'RFC 4180: a quote inside quotes is doubled' },
  { word: /^stations?$/, line: /^core\/dataset\/column-names\.ts/, why: 'a usual name of a column' },
  { word: /^sharpness$/, line: /neighbours-json|^docs\/model-format\.md/, why: 'a key of stored models' },
];

const own = 'test/words.test.ts';
const pattern = new RegExp(`\\b(?:${Object.keys(banned).join('|')})(?:s|es)?\\b`, 'g');

/** `lookEvery`, `look-every` and `Look every` alike: words in lower case with one blank between them. */
const wordsOf = (line: string) =>
  line
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replaceAll(/[\s\d_*#/.-]+/g, ' ')
    .toLowerCase();

/** Each banned word in a file's name, its identifiers, comments and texts, with its line; a phrase may run over to the next line. */
function found(file: string, text: string): string[] {
  const lines = [file, ...text.split('\n')].map((line) => ({ line, words: wordsOf(line).trim() }));
  return lines.flatMap(({ line, words }, number) => {
    const next = number === 0 ? '' : (lines[number + 1]?.words ?? '');
    return [...`${words} ${next}`.matchAll(pattern)]
      .filter(({ index }) => index <= words.length)
      .map(([word]) => ({ word, at: `${file}:${number}: ${word}: ${line.trim().slice(0, 120)}` }))
      .filter(({ word, at }) => !genuine.some((each) => each.word.test(word) && each.line.test(at)))
      .map(({ at }) => at);
  });
}

function files(): string[] {
  return globSync('{*,{*,.github}/**/*}.{ts,mjs,js,py,md,css,html,yaml,yml,conf,sh}', {
    cwd: root,
    exclude: (name) => ['node_modules', 'data', 'dist', '.git', 'coverage'].includes(name),
  }).filter((file) => file !== own);
}

test('a banned word is found in a name, an identifier, a comment, and as a plural', () => {
  expect(found('core/door.ts', '')).toHaveLength(1);
  expect(found('a.ts', 'const lookEveryMs = 1; // greets\nopenHttpDoors();')).toHaveLength(3);
  expect(found('a.ts', '/** Where the log goes\n * on, nothing is lost. */')).toHaveLength(1);
  expect(found('a.md', 'it was passed\nover\n\nnothing')).toHaveLength(1);
  expect(found('a.ts', 'const background = indoor(planes, commend);')).toEqual([]);
});

test('nothing is called by a word of our own where the field has a term', { timeout: 120_000 }, () => {
  expect(files().length).toBeGreaterThan(400);
  expect(files().flatMap((file) => found(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});
