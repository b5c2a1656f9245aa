import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../line/gapline.ts';
import { copyProject } from './copy.ts';

test('a copy of the project has all that its commands load', async () => {
  const copy = join(temporaryFolder(), 'copy');
  await copyProject(copy);
  const modules = globSync('cli/**/*.ts', { cwd: copy }).filter((name) => !/(\.test|\/main)\.ts$/.test(name));
  expect(modules.length).toBeGreaterThan(30);
  const load = `for (const name of ${JSON.stringify(modules)}) await import('./' + name);`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', load], { cwd: copy, stdio: 'pipe' });
});
