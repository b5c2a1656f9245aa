import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { withSection } from '../section.ts';
import { wrapMarkdown } from '../wrap.ts';

const docs = fileURLToPath(new URL('../', import.meta.url));

/** Replaces what stands in a page between `<!-- NAME -->` and `<!-- /NAME -->`; throws where the page has no such place. */
export function writeFigures(page: string, name: string, markdown: string): void {
  const file = `${docs}${page}`;
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, withSection(text, name, `\n${wrapMarkdown(markdown.trim())}\n`, file));
}

export function writePicture(name: string, svg: string): void {
  writeFileSync(`${docs}pictures/${name}.svg`, svg);
}

/** When and on what something was measured. */
export function measuredOn(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, Node ${process.version}`;
}
