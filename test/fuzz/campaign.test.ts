import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** All of them where everything is demanded; a quick look otherwise. */
const count = Number(process.env.GAPLINE_FUZZ_INPUTS ?? (process.env.CI ? 100_000 : 5_000));
const seed = process.env.GAPLINE_FUZZ_SEED ?? '1';

test(`${count} hostile requests: no 5xx but 503, no broken connection, no growth, and what was acknowledged is in the log`, async () => {
  const campaign = join(import.meta.dirname, 'campaign.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [campaign, '--inputs', String(count), '--seed', seed],
    {
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  ).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }));
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ good: true, inputs: count, sameReadings: true, miscounted: 0, healthUnanswered: 0 });
  expect(report.acknowledged).toBeGreaterThan(count / 10);
}, 600_000);
