import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

test('the demonstration of a swap shows what it promises', { timeout: 300_000 }, async () => {
  const args = [join(import.meta.dirname, 'demo-swap.ts'), '--seconds', '8', '--page-port', '0', '--end'];
  const demo = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said, [code]] = await Promise.all([text(demo.stdout), once(demo, 'exit')]);
  expect(code).toBe(0);
  const accuracies = [...said.matchAll(/version \d is right about ([\d.]+) %/g)].map(([, share]) => Number(share));
  expect(accuracies).toHaveLength(2);
  // Some 84 and 92 % over 1,600 readings each.
  expect(accuracies[1]).toBeGreaterThan(accuracies[0]! + 2);
});
