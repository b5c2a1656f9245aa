import { describe, expect, test } from 'vitest';
import { campaign } from './campaign.ts';

// Starts servers of its own and takes four minutes: only where the real servers are there.
const here = process.env.GAPLINE_REQUIRE_SERVERS === '1' || process.env.GAPLINE_TEST_CAMPAIGN === '1';
const why = here ? '' : ' (not run: `npm test` runs it where the servers are; `npm run chaos` is the same by hand)';

/** In its three minutes each process is killed, and it has answers of Kafka a minute late, a damaged spool, a clock that jumps and a newer version. */
const seed = 1310;

describe.skipIf(!here)(`three minutes of faults${why}`, () => {
  test('nothing acknowledged is lost, nothing is duplicated, and the line moves again', {
    timeout: 900_000,
  }, async () => {
    const told: string[] = [];
    const outcome = await campaign({
      ...{
        minutes: 3,
        seed,
        stream: 'all',
        client: 'kafkajs',
        brokers: 1,
        topics: false,
        rate: 60,
        workers: 1,
        only: [],
        keep: false,
        stopping: new AbortController().signal,
      },
      tell: (line) => told.push(line),
    });
    console.log(JSON.stringify(outcome));
    expect(outcome.violations, told.join('\n')).toEqual([]);
    expect(outcome.counts.spambase?.acknowledged).toBeGreaterThan(1_000);
    expect(outcome.counts.signal?.windows?.windows).toBeGreaterThan(1_000);
    const ward = outcome.counts.ward?.facts;
    expect(ward?.covered).toBeGreaterThan(500);
    expect(ward?.skippedNoFact).toBeGreaterThan(10);
    for (const part of ['collector', 'classifier', 'archive', 'telegraf', 'kafka', 'influxdb']) {
      expect(outcome.faults[`kill ${part}`]).toBeGreaterThan(0);
    }
  });
});
