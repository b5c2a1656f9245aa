// On the Kafka that GAPLINE_TEST_KAFKA names.
import { createRequire } from 'node:module';
import { afterEach, describe, expect, test } from 'vitest';
import {
  contents,
  deadline,
  fixtureOfEachTest,
  numbered,
  numbers,
  patient,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { kafkaUnderTest, withAdmin, withoutKafka } from './testing.ts';

const load = createRequire(import.meta.url);
const { prototype } = load('kafkajs/src/broker') as { prototype: { produce(request: object): Promise<object> } };
const { KafkaJSConnectionClosedError: Closed } = load('kafkajs/src/errors') as { KafkaJSConnectionClosedError: Answer };
type Answer = new (message: string, at: { host: string; port: number }) => Error;
const { produce } = prototype;

/** Kafka writes the next batch; its answer is lost, and something happens before kafkajs sends the batch again. */
function loseNextAnswer(meanwhile: () => Promise<unknown>): { lost: boolean } {
  const state = { lost: false };
  prototype.produce = async function (request) {
    const answer = await produce.call(this, request);
    if (state.lost) return answer;
    state.lost = true;
    await meanwhile();
    throw new Closed('the answer was lost', { host: 'nowhere', port: 1 });
  };
  return state;
}

describe.skipIf(withoutKafka)(`a batch that is sent again ${withoutKafka ?? ''}`, { timeout: testTimeoutMs }, () => {
  const fixture = fixtureOfEachTest(() => kafkaUnderTest());
  afterEach(() => {
    prototype.produce = produce;
  });

  test('to the same topic stands there once, and is acknowledged', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 10), deadline);
    const state = loseNextAnswer(async () => {});
    await log.append(topic, numbered(10, 30), deadline);
    expect(state.lost).toBe(true);
    expect(sorted(texts(await contents(log, topic)))).toEqual(numbers(0, 30));
  });

  test('to a topic that was made anew meanwhile may stand in both: it is not known to be durable', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 10), deadline);
    const state = loseNextAnswer(() =>
      withAdmin(async (admin) => {
        await admin.deleteTopics({ topics: [topic] });
        const make = () => admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }).catch(() => false);
        await expect.poll(make, patient).toBe(true);
      }),
    );
    const append = log.append(topic, numbered(10, 30), deadline);
    await expect(append).rejects.toMatchObject({ name: 'AppendError', outcome: 'unknown' });
    expect(state.lost).toBe(true);
    await log.append(topic, numbered(10, 30), deadline);
    expect([...new Set(texts(await contents(log, topic)))].toSorted()).toEqual(numbers(10, 30).toSorted());
  });
});
