import { execFile } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

// `npm pack` runs this first (`prepack`): plain JavaScript and declarations into `dist/`, because Node strips no types below
// `node_modules`. A clone needs none of it.

const root = resolve(import.meta.dirname, '../..');
const dist = join(root, 'dist');

/** What the line reads from files beside its code. */
const copied = [
  'cli/bin/*.cjs',
  '{dashboard,gateway}/page/*.{css,svg}',
  'examples/spambase/{README.md,stream.yaml}',
  'examples/spambase/data/t*.csv',
  'examples/spambase/models/**/*',
];

async function compile(project: string): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', join(import.meta.dirname, project)]).catch((error) => {
    throw new Error(`${project}: ${error.stdout}${error.stderr}`);
  });
}

/** The compiler rewrites imports only: a worker's file is named by a string. */
async function renameWorkers(): Promise<void> {
  for await (const file of glob('**/*.js', { cwd: dist })) {
    const text = await readFile(join(dist, file), 'utf8');
    const renamed = text.replaceAll(
      /new URL\('(\.\/[\w-]+)\.ts', import\.meta\.url\)/g,
      "new URL('$1.js', import.meta.url)",
    );
    if (/new URL\([^)]*\.ts'/.test(renamed))
      throw new Error(`${file} names a file of TypeScript that the package has not`);
    if (renamed !== text) await writeFile(join(dist, file), renamed);
  }
}

/** Nothing but the library can be imported, and its declarations name no others. */
async function removeDeclarations(): Promise<void> {
  for await (const file of glob('**/*.d.ts', { cwd: dist })) {
    if (!file.startsWith(`library${sep}`)) await rm(join(dist, file));
  }
}

async function copyFiles(): Promise<void> {
  for await (const entry of glob(copied, { cwd: root, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(dist, from.slice(root.length));
    await mkdir(dirname(to), { recursive: true });
    await cp(from, to);
  }
}

/** The page's modules are JavaScript already when they are read. */
async function copyPages(): Promise<void> {
  for await (const file of glob('{dashboard,gateway}/page/*.html', { cwd: root })) {
    const text = await readFile(join(root, file), 'utf8');
    await writeFile(join(dist, file), text.replaceAll(/("\/page\/[\w-]+)\.ts"/g, '$1.js"'));
  }
}

await rm(dist, { recursive: true, force: true });
await compile('tsconfig.json');
await compile('tsconfig.page.json');
await compile('tsconfig.types.json');
await Promise.all([renameWorkers(), copyFiles(), copyPages(), removeDeclarations()]);
