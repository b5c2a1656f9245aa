import type { Producer, Transaction } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import type { KafkaAdmin } from './admin.ts';
import { coPartitioning } from './assigner.ts';
import type { Client } from './client.ts';
import type { ConsumingClient, GroupPartition, TransactionalProducer } from './consuming.ts';
import { kafkaErrorType } from './errors.ts';
import { Fetcher } from './fetcher.ts';
import { onOneBroker, send } from './send.ts';
import type { RequestBatch } from './split.ts';

/** How long a transaction may stay open before the broker aborts it: as long as readers of the outputs wait after a crash, at most. */
export const transactionTimeoutMs = 60_000;
/** The broker finishes the transaction before in the background. */
export const stillFinishingMs = 5;
export const stillFinishingTries = 2_000;

/** Consuming and committing by kafkajs. */
export function kafkajsConsuming(connect: (user?: 'consumer') => Promise<Client>, admin: KafkaAdmin): ConsumingClient {
  return {
    fetcher: async (options) =>
      new Fetcher({
        ...options,
        client: await connect('consumer'),
        assigner: (protocol) => coPartitioning(protocol, options.owned),
      }),
    producer: (transactionalId) => openProducer(transactionalId, connect, admin),
  };
}

async function openProducer(
  transactionalId: string,
  connect: () => Promise<Client>,
  admin: KafkaAdmin,
): Promise<TransactionalProducer> {
  const client = await connect();
  const producer = client.kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: transactionTimeoutMs,
    allowAutoTopicCreation: false,
    createPartitioner: onOneBroker,
    metadataMaxAge: 5_000,
  });
  try {
    await producer.connect();
    // kafkajs initialises the producer, and with that fences, when the first transaction begins.
    const transaction = await producer.transaction();
    await transaction.abort();
  } catch (error) {
    client.kill();
    throw error;
  }
  return {
    commit: (batches, place, next) => commit(producer, admin, { batches, place, next }),
    kill: () => client.kill(),
    close: () => client.close(() => producer.disconnect()),
  };
}

interface Commit {
  readonly batches: Iterable<RequestBatch>;
  readonly place: GroupPartition;
  readonly next: bigint;
}

async function commit(producer: Producer, admin: KafkaAdmin, { batches, place, next }: Commit): Promise<void> {
  const transaction = await producer.transaction();
  for (const batch of batches) await send(transaction, batch, admin);
  await sendOffset(transaction, place, next);
  await transaction.commit();
}

async function sendOffset(
  transaction: Transaction,
  { group, topic, partition }: GroupPartition,
  next: bigint,
): Promise<void> {
  const topics = [{ topic, partitions: [{ partition, offset: String(next) }] }];
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction.sendOffsets({ consumerGroupId: group, topics });
    } catch (error) {
      // kafkajs waits for the transaction before only where records are sent.
      if (kafkaErrorType(error) !== 'CONCURRENT_TRANSACTIONS' || attempt === stillFinishingTries) throw error;
      await sleep(stillFinishingMs);
    }
  }
}
