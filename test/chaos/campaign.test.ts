import { describe, expect, test } from 'vitest';
import { type CampaignOptions, campaign } from './campaign.ts';

// Starts servers of its own and takes seven minutes: only where the real servers are there.
const here = process.env.GAPLINE_REQUIRE_SERVERS === '1' || process.env.GAPLINE_TEST_CAMPAIGN === '1';
const why = here ? '' : ' (not run: `npm test` runs it where the servers are; `npm run chaos` is the same by hand)';

/** In its three minutes each process is killed, and it has answers of Kafka a minute late, a damaged spool, a clock that jumps and a newer version. */
const seed = 1310;

/** Of what is done to topics, each kind at least once. */
const topicFaults = [
  'the readings topic is deleted and made anew',
  'partitions are added to the readings topic',
  'records whose dead letters are too large',
  'Kafka is lost as a whole',
];

describe.skipIf(!here)(`minutes of faults${why}`, () => {
  const run = async (
    options: Pick<CampaignOptions, 'minutes' | 'seed' | 'stream' | 'client' | 'acknowledge' | 'topics' | 'only'>,
  ) => {
    const told: string[] = [];
    const fixed = { brokers: 1, rate: 60, workers: 1, keep: false, stopping: new AbortController().signal } as const;
    const outcome = await campaign({ ...options, ...fixed, tell: (line) => told.push(line) });
    console.log(JSON.stringify(outcome));
    expect(outcome.violations, told.join('\n')).toEqual([]);
    expect(outcome.counts.spambase?.acknowledged).toBeGreaterThan(1_000);
    return outcome;
  };

  test('nothing acknowledged is lost, nothing is duplicated, and the line moves again', {
    timeout: 900_000,
  }, async () => {
    const { counts, faults } = await run({
      ...{ minutes: 3, seed, stream: 'all', client: 'kafkajs', acknowledge: 'log', topics: false, only: [] },
    });
    expect(counts.signal?.windows?.windows).toBeGreaterThan(1_000);
    const ward = counts.ward?.facts;
    expect(ward?.covered).toBeGreaterThan(500);
    expect(ward?.skippedNoFact).toBeGreaterThan(10);
    for (const part of ['collector', 'classifier', 'archive', 'telegraf', 'kafka', 'influxdb']) {
      expect(faults[`kill ${part}`]).toBeGreaterThan(0);
    }
  });

  test('topics deleted, enlarged and with records that nobody can read, and a Kafka lost as a whole, by the other client, acknowledged by the disk', {
    timeout: 900_000,
  }, async () => {
    const { faults } = await run({
      ...{ minutes: 1.6, seed: 10, stream: 'plain', client: 'platformatic', acknowledge: 'disk', topics: true },
      only: [...topicFaults, 'kill collector'],
    });
    for (const name of [...topicFaults, 'kill collector']) expect(faults[name]).toBeGreaterThan(0);
  });
});
