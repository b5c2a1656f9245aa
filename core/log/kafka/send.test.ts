import type { Message, PartitionMetadata, ProducerBatch, RecordMetadata } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { onOneBroker, send } from './send.ts';
import { RequestBatch } from './split.ts';

const metadata = (leaders: readonly number[]): PartitionMetadata[] =>
  leaders.map((leader, partitionId) => ({ partitionErrorCode: 0, partitionId, leader, replicas: [], isr: [] }));

/** The part of kafkajs that matters here: it calls the partitioner for each message, then sends to the brokers. */
function broker(
  leadersAtAttempt: readonly (readonly number[])[],
  log: { topic: string; value: string; broker: number }[],
) {
  const partitioner = onOneBroker();
  let attempt = 0;
  const attempts: number[][] = [];
  return {
    attempts,
    async sendBatch({ topicMessages = [] }: ProducerBatch): Promise<RecordMetadata[]> {
      const leaders = leadersAtAttempt[Math.min(attempt++, leadersAtAttempt.length - 1)]!;
      const placed = topicMessages.flatMap(({ topic, messages }) =>
        messages.map((message: Message) => {
          const partition = partitioner({ topic, message, partitionMetadata: metadata(leaders) });
          return { topic, partition, value: String(message.value), broker: leaders[partition]! };
        }),
      );
      attempts.push([...new Set(placed.map(({ broker }) => broker))]);
      log.push(...placed.map(({ topic, value, broker }) => ({ topic, value, broker })));
      const places = new Map(
        placed.map(({ topic, partition }) => [`${topic}/${partition}`, { topicName: topic, partition, errorCode: 0 }]),
      );
      return [...places.values()];
    },
  };
}

function batchOf(topics: readonly string[], partitions: number): RequestBatch {
  const batch = new RequestBatch();
  for (const topic of topics) {
    for (let n = 0; n < partitions * 3; n++) {
      batch.add({ topic, partition: n % partitions, record: { key: null, value: Buffer.from(`${topic} ${n}`) } });
    }
  }
  return batch;
}

const admin = (...views: (readonly number[])[]) => ({
  leaders: async () => views[0]!,
  forget: () => void (views.length > 1 && views.shift()),
});

describe('sending to several brokers', () => {
  const all = ['a', 'b'].flatMap((topic) => Array.from({ length: 9 }, (_, n) => `${topic} ${n}`)).toSorted();

  test('makes one call for each broker', async () => {
    const log: { topic: string; value: string; broker: number }[] = [];
    const kafka = broker([[7, 8, 7]], log);
    await send(kafka, batchOf(['a', 'b'], 3), admin([7, 8, 7]));
    expect(kafka.attempts.toSorted()).toEqual([[7], [8]]);
    expect(log.map(({ value }) => value).toSorted()).toEqual(all);
  });

  test('sends everything once where leaders have moved', async () => {
    const log: { topic: string; value: string; broker: number }[] = [];
    // The producer knows better than the plan; then both agree.
    const kafka = broker([[7, 8, 9]], log);
    await send(kafka, batchOf(['a', 'b'], 3), admin([7, 7, 7], [7, 7, 9], [7, 8, 9]));
    expect(log.map(({ value }) => value).toSorted()).toEqual(all);
    expect(kafka.attempts.every((brokers) => brokers.length === 1)).toBe(true);
  });

  test('never sends to a partition without a leader that is known', async () => {
    const log: { topic: string; value: string; broker: number }[] = [];
    const kafka = broker(
      [
        [7, 7],
        [7, 7],
        [7, 7, 7],
      ],
      log,
    );
    await send(kafka, batchOf(['a'], 3), admin([7, 7, 7]));
    expect(log).toHaveLength(9);
  });

  test('rejects with an error that has nothing to do with leaders', async () => {
    const failing = { sendBatch: () => Promise.reject(new Error('closed')) };
    await expect(send(failing, batchOf(['a'], 3), admin([7, 8, 9]))).rejects.toThrow('closed');
  });

  test('does not accept an answer in which a partition is missing', async () => {
    const forgetful = { sendBatch: async () => [{ topicName: 'a', partition: 0, errorCode: 0 }] };
    await expect(send(forgetful, batchOf(['a'], 3), admin([7, 7, 7]))).rejects.toThrow('1 of 3 partitions');
  });
});
