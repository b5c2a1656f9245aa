import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g;

/** Every file with code in a folder of the project, as a path from its root. */
export function sources(): string[] {
  return globSync('*/**/*.{ts,mjs,js}', {
    cwd: root,
    exclude: (name) => ['node_modules', 'data', 'dist'].includes(name),
  });
}

export const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** What a file imports of the project, types and workers' files too, as paths from its root. */
export function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(importPattern)].map(([, target = '']) => relative(root, join(root, dirname(file), target)));
}

/** One circle of imports for each group of files that reach each other, as a text `a → b → a`. */
export function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const path: string[] = [];
  const done = new Set<string>();

  function visit(file: string): void {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) {
      circles.push([...path.slice(seenAt), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  }

  for (const file of imports.keys()) visit(file);
  return circles;
}
