import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { measuredOn } from '../docs/pictures/figures.ts';
import { wrapMarkdown } from '../docs/wrap.ts';

const file = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const head = `# Benchmarks

Each section is written by the command that it names. Peers run in the same run, in turn with Gapline.
`;

/** Replaces the section of docs/benchmarks.md that this bench wrote before, or adds it. */
export function writeSection(name: string, markdown: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : head;
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${open}\n${markdown.trim()}\n${close}`;
  const from = before.indexOf(open);
  const after =
    from < 0
      ? `${before.trimEnd()}\n\n${section}\n`
      : before.slice(0, from) + section + before.slice(before.indexOf(close) + close.length);
  writeFileSync(file, wrapMarkdown(after));
}

/** A table in Markdown; the first column is left-aligned, the others right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  // One value in the middle, or two.
  const middle = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** The machine and the runtime, in one line. */
export const machine = (): string => `${measuredOn()}.`;
