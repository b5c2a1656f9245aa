import { expect, test } from 'vitest';
import { spambase, temporaryFolder } from './gapline.ts';
import { counted, killAgainAndAgain, opened } from './killed.ts';

const [readings, predictions] = ['spam_data', 'spam_predictions'] as const;

test('the line in one process, killed again and again under load, labels each reading of its log once and lost none', async () => {
  const data = temporaryFolder();
  const { acknowledged } = await killAgainAndAgain({
    args: [
      ...['up', '--config', spambase, '--data', data, '--collector-port', '0', '--page-port', '0'],
      ...['--no-generator', '--log-level', 'silent'],
    ],
    url: /POST (\S+)/,
    caughtUp: async () => (await lagOf(data)) === 0,
  });
  const [taken, labelled] = await opened(data, async (log) => [
    await counted(log, readings),
    await counted(log, predictions),
  ]);
  expect(acknowledged.filter((id) => !taken.has(id))).toEqual([]);
  // A reading whose answer was lost may be in the log without being acknowledged; none is there that was not sent, and none is labelled twice.
  expect([...labelled].filter(([id, count]) => taken.get(id) !== count)).toEqual([]);
  expect(labelled.size).toBe(taken.size);
}, 240_000);

/** Readings of the log that have no label yet. */
const lagOf = (data: string): Promise<number> =>
  opened(data, async (log) => {
    const lags = await log.lag('spambase.classifier', [readings]);
    return lags.reduce((sum, { lag }) => sum + lag, 0);
  });
