import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { wrapMarkdown } from '../wrap.ts';

const docs = fileURLToPath(new URL('../', import.meta.url));

/** Replaces what stands in a page between `<!-- NAME -->` and `<!-- /NAME -->`; throws where the page has no such place. */
export function writeFigures(page: string, name: string, markdown: string): void {
  const file = `${docs}${page}`;
  const text = readFileSync(file, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${file} has no place ${open} … ${close}`);
  writeFileSync(file, `${text.slice(0, from + open.length)}\n${wrapMarkdown(markdown.trim())}\n${text.slice(to)}`);
}

export function writePicture(name: string, svg: string): void {
  writeFileSync(`${docs}pictures/${name}.svg`, svg);
}

/** When and on what something was measured. */
export function measuredOn(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, Node ${process.version}`;
}
