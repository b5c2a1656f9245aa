import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isOwnStep, loadOwnSteps } from './load.ts';
import { stepsSchema } from './registry.ts';
import { runAll } from './testing/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gapline-steps-'));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(join(folder, 'nothing.ts'), 'export default 1;\n');
writeFileSync(join(folder, 'broken.ts'), "throw new Error('so it is');\n");

describe('a step of your own', () => {
  it.each([
    ['./none.ts', /steps\.0\.use: .*none\.ts cannot be read; paths are relative to stream\.yaml/],
    ['./nothing.ts', /nothing\.ts exports no step; its default export is/],
    ['./broken.ts', /broken\.ts fails to load: so it is/],
  ])('%s is refused by name', async (use, message) => {
    await expect(loadOwnSteps([{ use }], folder)).rejects.toThrow(message);
  });
});

describe('the schema of steps', () => {
  it.each([
    [
      [
        { use: 'resample', rate: 10, maxGap: '1s' },
        { use: './own.ts', anything: [1] },
      ],
      true,
    ],
    [[{ use: '../shared/own.mjs' }], true],
    [[{ use: 'resample', rate: 10, maxGap: '1s', speed: 1 }], false],
    [[{ use: 'resample', rate: 10 }], false],
    [[{ use: 'nosuch' }], false],
    [[{ use: '/etc/own.ts' }], false],
    [[{ rate: 10 }], false],
  ])('%j: %s', (steps, isSound) => {
    expect(stepsSchema.safeParse(steps).success).toBe(isSound);
  });

  it('knows which steps are files', () => {
    expect(['./a.ts', '../a.ts', 'filter'].map(isOwnStep)).toEqual([true, true, false]);
  });
});

it('an unknown step is refused with what there is', () => {
  expect(() => runAll([{ use: 'fitler' }], ['x'], [])).toThrow(
    /steps\.0\.use: there is no step "fitler"; there are "resample"/,
  );
});
