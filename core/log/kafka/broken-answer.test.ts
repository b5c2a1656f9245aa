// On the Kafka that GAPLINE_TEST_KAFKA names.
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  deadline,
  fixtureOfEachTest,
  numbered,
  numbers,
  patient,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { kafkaUnderTest, withoutKafka } from './testing.ts';

interface Connection {
  readonly socket: Socket;
  processData(bytes: Buffer): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection') as { prototype: Connection };
const { processData } = prototype;

/** Breaks off the connection on which the next so large piece of an answer comes, after the first bytes of it. */
function breakNextAnswer(largeBytes: number): { broken: boolean } {
  const state = { broken: false };
  prototype.processData = function (bytes) {
    if (state.broken || bytes.length < largeBytes) return processData.call(this, bytes);
    state.broken = true;
    processData.call(this, bytes.subarray(0, 100));
    this.socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  };
  return state;
}

describe.skipIf(withoutKafka)(
  `a connection to Kafka that breaks off in an answer ${withoutKafka ?? ''}`,
  { timeout: testTimeoutMs },
  () => {
    const fixture = fixtureOfEachTest(() => kafkaUnderTest());
    afterEach(() => {
      prototype.processData = processData;
    });

    test('leaves its member at work', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 1);
      const drained: string[] = [];
      const sink = async ({ records }: { records: Parameters<typeof texts>[0] }) => {
        drained.push(...texts(records));
        return [];
      };
      const noDeadLetter = () => {
        throw new Error('no record was refused');
      };
      await log.drain({ from: [topic], group: fixture().name('group') }, sink, noDeadLetter);
      await log.append(topic, numbered(0, 10), deadline);
      await expect.poll(() => drained.length, patient).toBe(10);
      const state = breakNextAnswer(20_000);
      await log.append(topic, numbered(10, 2_000), deadline);
      await expect.poll(() => sorted([...new Set(drained)]), patient).toEqual(numbers(0, 2_000));
      expect(state.broken).toBe(true);
    });
  },
);
