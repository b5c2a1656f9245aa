import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadOwnSteps } from '../steps/load.ts';
import { openSteps } from './steps.ts';

const folder = mkdtempSync(join(tmpdir(), 'gapline-model-steps-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A folder with a step of its own in it. */
function write(name: string, code: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  const step = `
    import { z } from '${import.meta.resolve('zod')}';
    const build = (_, shape) => ({ shape, open: () => { throw new Error('not opened here'); } });
    export default { use: 'own', summary: '', params: z.strictObject({}), build };
    ${code}`;
  writeFileSync(join(own, 'own.ts'), step);
  return own;
}

const specs = [{ use: './own.ts' }];
const signatureOf = async (own: string) =>
  openSteps({ fields: ['x'], channels: ['x'], steps: specs }, await loadOwnSteps(specs, own))?.signature;

test('steps are others once the code of one of them is: the state of the old code is not for the new', async () => {
  const [first, same, edited] = [write('first', ''), write('same', ''), write('edited', '// edited')];
  expect(await signatureOf(first)).toBe(await signatureOf(same));
  expect(await signatureOf(first)).not.toBe(await signatureOf(edited));
});
