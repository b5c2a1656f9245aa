import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ownModules } from './own-modules.ts';

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-modules-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

test('all that a module reaches in its folder is found, each once, and what lies outside is named', async () => {
  const folder = folderOf({
    'simulator.ts': `import type { Source } from '../../generator/source.ts';
import { wave } from './lib/wave.ts';
import { readFileSync } from 'node:fs';
import { random } from '../random.ts';
export const table = new URL('./table.json', import.meta.url);
export default (): Source => wave(random, readFileSync);`,
    'lib/wave.ts': `export { noise as wave } from './noise.mjs';
export * from '../simulator.ts';`,
    'lib/noise.mjs': `export const later = () => import("./later.js");`,
    'lib/later.js': '',
    'table.json': '{}',
    'not-reached.ts': '',
  });
  const { inside, outside } = await ownModules([join(folder, 'simulator.ts')], folder);
  expect(inside.map((path) => relative(folder, path).replaceAll('\\', '/'))).toEqual([
    'simulator.ts',
    'lib/wave.ts',
    'table.json',
    'lib/noise.mjs',
    'lib/later.js',
  ]);
  expect(outside).toEqual([{ name: '../random.ts', importedBy: 'simulator.ts' }]);
});

test('a module that Node cannot load, or that is missing, is kept as it is', async () => {
  const folder = folderOf({ 'step.ts': `enum A { B }\nimport './part.ts';` });
  const { inside, outside } = await ownModules([join(folder, 'step.ts')], folder);
  expect([inside.map((path) => relative(folder, path)), outside]).toEqual([['step.ts', 'part.ts'], []]);
});
