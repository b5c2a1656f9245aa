import type { Message, Producer } from '@platformatic/kafka';
import { sleep } from '../../../retry/sleep.ts';
import type { GroupPartition, TransactionalProducer } from '../consuming.ts';
import { kafkaErrorType } from '../errors.ts';
import { stillFinishingMs, stillFinishingTries, transactionTimeoutMs } from '../kafkajs-consuming.ts';
import type { RequestBatch } from '../split.ts';
import type { ClientOptions } from './client-options.ts';

/** By what Kafka checks that offsets come from a member of the group's present generation. */
export interface Membership {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly coordinatorId: number;
}

const closeMs = 1_500;

/**
 * Resolves once others with the transactional id are fenced. The client speaks version 4 of EndTxn, which has no epoch for each
 * transaction (KAFKA-17898): so nothing is repeated after a time-out, and whoever commits kills the producer after any rejection.
 */
export async function openProducer(
  options: ClientOptions,
  transactionalId: string,
  membership: () => Membership,
): Promise<TransactionalProducer> {
  const client = await import('@platformatic/kafka');
  const create = () =>
    new client.Producer({ ...options, transactionalId, idempotent: true, timeout: transactionTimeoutMs });
  const producer = await fenced(create);
  const close = () => producer.close(true).catch(() => {});
  return {
    commit: (batches, place, next) => commit(producer, { batches, place, next }, membership()),
    kill: () => void close(),
    close: () => Promise.race([close(), sleep(closeMs, { ref: false })]),
  };
}

/** A client that could not begin a transaction cannot be used again. */
async function fenced(create: () => Producer): Promise<Producer> {
  for (let attempt = 1; ; attempt++) {
    const producer = create();
    try {
      // As for a new producer: otherwise the client asks for the id 0, and Kafka takes it for one that is fenced.
      const transaction = await producer.beginTransaction({ producerId: -1n, producerEpoch: -1 });
      await transaction.cancel();
      return producer;
    } catch (error) {
      void producer.close(true).catch(() => {});
      // The broker aborts the transaction of the producer before.
      if (kafkaErrorType(error) !== 'CONCURRENT_TRANSACTIONS' || attempt === stillFinishingTries) throw error;
      await sleep(stillFinishingMs);
    }
  }
}

interface Commit {
  readonly batches: Iterable<RequestBatch>;
  readonly place: GroupPartition;
  readonly next: bigint;
}

async function commit(producer: Producer, { batches, place, next }: Commit, consumer: Membership): Promise<void> {
  const transaction = await producer.beginTransaction();
  for (const batch of batches) {
    const messages = batch.topicMessages.flatMap(({ topic, messages: own }) =>
      own.map((one) => ({ topic, ...wire(one) })),
    );
    await onceFinished(() => transaction.send({ messages }));
  }
  type Consumer = Parameters<typeof transaction.addConsumer>[0];
  await onceFinished(() => transaction.addConsumer({ groupId: place.group } as Consumer));
  // The client takes the message that was done, and commits the offset behind it.
  const done = { topic: place.topic, partition: place.partition, offset: next - 1n, metadata: { consumer } };
  await transaction.addOffset(done as unknown as Message);
  await transaction.commit();
}

function wire({ key, value, partition }: { key?: unknown; value: unknown; partition?: number }) {
  return {
    partition: partition ?? 0,
    value: value as Buffer,
    ...(typeof key === 'string' && { key: Buffer.from(key) }),
  };
}

/** Repeats a request that the broker refuses, with nothing done, while it finishes the transaction before in the background. */
async function onceFinished<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (kafkaErrorType(error) !== 'CONCURRENT_TRANSACTIONS' || attempt === stillFinishingTries) throw error;
      await sleep(stillFinishingMs);
    }
  }
}
