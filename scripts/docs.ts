// Writes the documents that are made from code: run by `npm run docs`, and held to the code by docs/generated.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { generatedDocuments } from '../docs/generated.ts';

const root = resolve(import.meta.dirname, '..');
for (const [file, text] of Object.entries(await generatedDocuments())) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  console.log(file);
}
