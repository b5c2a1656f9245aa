import { expect, test } from 'vitest';
import { spambase, temporaryFolder } from './gapline.ts';
import { counted, killAgainAndAgain, opened } from './killed.ts';

test('a collector that acknowledges by its disk, killed again and again under load, loses nothing and counts what it sends twice', async () => {
  const data = temporaryFolder();
  const { acknowledged, output } = await killAgainAndAgain({
    args: [
      ...['collect', '--config', spambase, '--set', 'collector.acknowledge=disk', '--data', data, '--port', '0'],
      ...['--no-archive', '--log-level', 'warn'],
    ],
    url: /collector: (\S+)/,
    caughtUp: async (url) => {
      const metrics = await (await fetch(new URL('/metrics', url))).text();
      return /_journal_readings 0\n/.test(metrics) && /_spool_readings 0\n/.test(metrics);
    },
  });
  const taken = await opened(data, (log) => counted(log, 'spam_data'));
  expect(acknowledged.filter((id) => !taken.has(id))).toEqual([]);
  const twice = [...taken.values()].reduce((sum, count) => sum + count - 1, 0);
  const counts = [...output.matchAll(/"?possibleExtras"?: ?(\d+)/g)].map(([, count]) => Number(count));
  expect(twice).toBeLessThanOrEqual(counts.reduce((sum, count) => sum + count, 0));
}, 240_000);
