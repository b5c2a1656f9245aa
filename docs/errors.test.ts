import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { errorCatalog } from '../core/wire/errors.ts';

const root = resolve(import.meta.dirname, '..');
const folders = [
  'classifier',
  'cli',
  'collector',
  'core',
  'dashboard',
  'gateway',
  'exporting',
  'generator',
  'influxdb',
  'scheduling',
  'serving',
  'telegraf',
  'training',
];
const codes = Object.keys(errorCatalog);

/** What the stages are made of, without tests and what only they use. */
function sources(): { file: string; text: string }[] {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  );
  const own = files.filter(
    (file) => file.endsWith('.ts') && !/\.test\.ts$|\/(testing|contract|page)\/|core\/wire\/errors\.ts$/.test(file),
  );
  return own.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
}

test('the page has an entry with status, cause and remedy for each code, and none for anything else', () => {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const entries = page.split(/^## /m).slice(1);
  expect(entries.map((entry) => entry.split('\n')[0])).toEqual(codes);
  for (const entry of entries)
    expect(entry).toMatch(/HTTP [45]\d\d\.\n\n- \*\*Cause:\*\* \S[^*]+\.\n- \*\*Remedy:\*\* \S.+/);
});

test('each code is one that the code can give', () => {
  const all = sources()
    .map(({ text }) => text)
    .join('\n');
  expect(codes.filter((code) => !all.includes(`'${code}'`))).toEqual([]);
});

test('no error is made for people without a code', () => {
  const bare = sources().filter(({ file, text }) => file.startsWith('cli/') && /new Error\(/.test(text));
  expect(bare.map(({ file }) => file)).toEqual([]);
});
