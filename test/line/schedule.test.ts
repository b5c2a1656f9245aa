import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { Status } from '../../core/wire/status.ts';
import { gapline, spambase, temporaryFolder } from './gapline.ts';

const within = { timeout: 90_000, interval: 100 };

test('training by cron: overlaps are left out, failures are in the metrics and in the status, SIGTERM ends it', {
  timeout: 240_000,
}, async () => {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  const at = ['--config', join(folder, 'stream.yaml'), '--data', join(folder, 'state')];
  const schedule = (name: string, ...command: string[]) =>
    gapline(['schedule', ...at, '--name', name, '--cron', '* * * * * *', '--', ...command]);
  const quick = ['--set', 'model.name=scheduled', '--set', 'training.trees=1'];
  const good = schedule('good', 'train', ...at, ...quick);
  const bad = schedule('bad', 'export', 'readings', '--to', join(folder, 'nowhere/rows.csv'));
  const metricsOf = async (process: typeof good) => {
    const url = await process.printed(/health and metrics: (\S+)/);
    return async (line: string) =>
      Number((await (await fetch(`${url}/metrics`)).text()).match(new RegExp(`^${line} (\\S+)$`, 'm'))?.[1]);
  };
  const [ofGood, ofBad] = [await metricsOf(good), await metricsOf(bad)];
  // Training takes longer than the second until it is due again.
  await expect.poll(() => ofGood('gapline_schedule_runs_total\\{result="succeeded"\\}'), within).toBeGreaterThan(1);
  await expect.poll(() => ofGood('gapline_schedule_overlaps_total'), within).toBeGreaterThan(0);
  await expect.poll(() => ofBad('gapline_schedule_runs_total\\{result="failed"\\}'), within).toBeGreaterThan(0);
  await expect
    .poll(async () => {
      const { stdout } = await gapline(['tail', 'status', ...at, '--since', '-1h', '--no-follow', '--json']).ended;
      const statuses = stdout
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { value?: Status } & Status]));
      return statuses.map((each) => (each.value ?? each).lastError?.message ?? '').join('\n');
    }, within)
    .toMatch(/run \d+ of export readings .* failed \(exit code 1\): .*nowhere.*\[file-unusable\]/);
  for (const process of [good, bad]) process.kill('SIGTERM');
  expect([(await good.ended).code, (await bad.ended).code]).toEqual([0, 0]);
  const listed = (await gapline(['schedule', ...at, '--list', '--name', 'good']).ended).stdout;
  expect(listed).toMatch(/^1 {2}\S+Z {2}succeeded in [\d.]+ s/m);
  expect(listed).not.toContain('running');
});

test('what cannot be scheduled is explained', async () => {
  const at = ['--config', spambase, '--data', temporaryFolder()];
  const said = async (...args: string[]) => (await gapline(['schedule', ...at, ...args]).ended).stderr;
  expect(await said('--cron', '* * * * *', '--', 'collect')).toMatch(
    /collect cannot be scheduled; these can: train.*\[config-invalid\]/,
  );
  expect(await said('--cron', 'often', '--', 'train')).toMatch(/--cron 'often'.*five fields.*\[config-invalid\]/);
  expect(await said('--', 'train')).toMatch(/--cron is missing.*\[config-invalid\]/);
});
