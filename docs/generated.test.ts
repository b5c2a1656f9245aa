import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { generatedDocuments } from './generated.ts';

const root = resolve(import.meta.dirname, '..');
const documents = Object.entries(await generatedDocuments());

test.each(documents)('%s is what the code says; `npm run docs` writes it anew', (file, text) => {
  expect(readFileSync(join(root, file), 'utf8')).toBe(text);
});
