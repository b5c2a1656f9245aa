// `npm run docs`: writes the documents that are made from code (docs/generated.test.ts checks them) and wraps the others.
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { decisionsIndex, readDecisions } from '../docs/decisions-page.ts';
import { generatedDocuments } from '../docs/generated.ts';
import { wrapMarkdown } from '../docs/wrap.ts';

const root = resolve(import.meta.dirname, '..');
for (const [file, text] of Object.entries(await generatedDocuments())) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  console.log(file);
}
const decisionsFolder = join(root, 'docs/decisions');
const decisions = readDecisions(decisionsFolder);
const index = join(decisionsFolder, 'README.md');
writeFileSync(index, decisionsIndex(decisions, new Map(decisions.map(({ file }) => [file, firstDay(file)]))));
for (const file of globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', '.github/**/*.md'], { cwd: root })) {
  const text = readFileSync(join(root, file), 'utf8');
  const wrapped = wrapMarkdown(text);
  if (wrapped === text) continue;
  writeFileSync(join(root, file), wrapped);
  console.log(`${file}: wrapped`);
}

/** The day of a decision's first commit; today where there is none yet. */
function firstDay(file: string): string {
  const args = ['log', '--follow', '--diff-filter=A', '--format=%as', '--', join(decisionsFolder, file)];
  const days = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  return days.at(-1) || new Date().toISOString().slice(0, 10);
}
