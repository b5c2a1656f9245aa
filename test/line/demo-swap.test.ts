import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from './gapline.ts';

test('in the demo accuracy jumps when the better model takes over', { timeout: 180_000 }, async () => {
  const demo = [join(root, 'scripts/demo-swap.ts'), '--seconds', '6'];
  const { stdout } = await promisify(execFile)(process.execPath, demo);
  const accuracy = [...stdout.matchAll(/^version \d: accuracy (\d+\.\d) %$/gm)].map(([, percent]) => Number(percent));
  expect(accuracy).toHaveLength(2);
  const [before = Number.NaN, after = Number.NaN] = accuracy;
  expect(after).toBeGreaterThan(before + 5);
});
