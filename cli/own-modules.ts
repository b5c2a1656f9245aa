import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, extname, isAbsolute, relative, resolve } from 'node:path';

/** What a module of one's own imports and does not lie in its folder. */
export interface Outside {
  /** As it stands in the import. */
  readonly name: string;
  /** The module, relative to the folder. */
  readonly importedBy: string;
}

export interface OwnModules {
  /** Paths of all files that are reached, the first ones too, in the order in which they were met. */
  readonly inside: readonly string[];
  readonly outside: readonly Outside[];
}

const codeEndings = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);
/** Static and dynamic imports, and files beside a module: `new URL('./x', import.meta.url)`. */
const importPattern = /(?:\bfrom|\bimport\s*\(?|\brequire\s*\(|\bnew URL\s*\()\s*['"](\.{1,2}\/[^'"]+)['"]/g;

export const liesOutside = (folder: string, path: string): boolean => {
  const inside = relative(folder, path);
  return inside.startsWith('..') || isAbsolute(inside);
};

/**
 * Follows the relative imports of modules that a `stream.yaml` names, as far as they lie in its folder. Imports of types alone do not count:
 * Node does not load them. A file that cannot be read is taken as it is named.
 */
export async function ownModules(first: readonly string[], folder: string): Promise<OwnModules> {
  const inside = new Set(first);
  const outside: Outside[] = [];
  for (const path of inside)
    for (const name of await importsOf(path)) {
      const target = resolve(dirname(path), name);
      if (liesOutside(folder, target)) outside.push({ name, importedBy: relative(folder, path) });
      else inside.add(target);
    }
  return { inside: [...inside], outside };
}

async function importsOf(path: string): Promise<string[]> {
  const ending = extname(path);
  if (!codeEndings.has(ending)) return [];
  const text = await readFile(path, 'utf8').catch(() => '');
  const code = ending.endsWith('ts') ? withoutTypes(text) : text;
  return [...code.matchAll(importPattern)].flatMap(([, name]) => name ?? []);
}

function withoutTypes(text: string): string {
  try {
    return stripTypeScriptTypes(text);
  } catch {
    // Node cannot load it either; what it imports is still worth keeping.
    return text;
  }
}
