import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../line/gapline.ts';
import { copyProject } from './copy.ts';
import { gapline } from './gapline.ts';

test.each(['collect', 'archive', 'classify'])('a copy of the project has all that "%s" loads', async (stage) => {
  const copy = join(temporaryFolder(), 'copy');
  await copyProject(copy);
  expect(await gapline(copy, [stage, '--help'])).toContain('--config');
});
