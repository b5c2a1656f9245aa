import type { Producer, Transaction } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { type Partitioner, partitioningKey } from '../partition.ts';
import type { Output } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import type { Client } from './client.ts';
import { isRecordRefused, kafkaErrorType } from './errors.ts';
import { onOneBroker, send } from './send.ts';
import { type Addressed, maxPartitionBytes, sizeOf, splitIntoRequests } from './split.ts';
import type { KafkaWriter } from './writer.ts';

/** How one input partition of a group is moved forward. */
export interface Committer {
  /** Whether `commit` may be called: since `fence`, nothing went wrong. */
  readonly fenced: boolean;
  /** Keeps others from moving it from now on, where that can be done. Call it before reading the committed offset. */
  fence(): Promise<void>;
  /** Makes outputs durable and moves the group to `next`. The outcome of a rejection is unknown unless it is still `fenced` after it. */
  commit(outputs: readonly Output[], next: bigint): Promise<void>;
  /** Another member may have been here in the meantime. */
  rejoined(): void;
  close(): Promise<void>;
}

/** A partition as one group reads it. */
export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** How long a transaction may stay open before the broker aborts it: as long as readers of the outputs wait after a crash, at most. */
const transactionTimeoutMs = 60_000;
/** The broker finishes the transaction before in the background. */
const stillFinishingMs = 5;
const stillFinishingTries = 2_000;

export interface TransactionalOptions extends GroupPartition {
  readonly connect: () => Promise<Client>;
  readonly admin: KafkaAdmin;
  readonly partitionOf: Partitioner;
  readonly prefix: string;
}

/**
 * Outputs and offset in one transaction, by a producer whose id belongs to the input partition: a producer that starts with that id fences all
 * that had it before, so a member that was stalled past its session commits nothing when it wakes.
 */
export class TransactionalCommitter implements Committer {
  readonly #options: TransactionalOptions;
  #connected: { client: Client; producer: Producer } | undefined;
  #closed = false;

  constructor(options: TransactionalOptions) {
    this.#options = options;
  }

  get fenced(): boolean {
    return this.#connected !== undefined;
  }

  /** Nothing to do: had another member been here, this producer would be fenced. */
  rejoined(): void {}

  async fence(): Promise<void> {
    this.#discard();
    const { connect, prefix, group, topic, partition } = this.#options;
    const client = await connect();
    const producer = client.kafka.producer({
      transactionalId: `${prefix}.${group}.${topic}.${partition}`,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: transactionTimeoutMs,
      allowAutoTopicCreation: false,
      createPartitioner: onOneBroker,
      metadataMaxAge: 5_000,
    });
    try {
      if (this.#closed) throw new Error('The partition was given back');
      await producer.connect();
      // kafkajs initialises the producer, and with that fences, when the first transaction begins.
      const transaction = await producer.transaction();
      await transaction.abort();
      if (this.#closed) throw new Error('The partition was given back');
      this.#connected = { client, producer };
    } catch (error) {
      client.kill();
      throw error;
    }
  }

  async commit(outputs: readonly Output[], next: bigint): Promise<void> {
    if (!this.#connected) throw new Error('commit() needs fence() first');
    const addressed = await this.#address(outputs);
    try {
      const transaction = await this.#connected.producer.transaction();
      for (const batch of splitIntoRequests(addressed)) {
        await send(transaction, batch, this.#options.admin);
      }
      await this.#sendOffset(transaction, next);
      await transaction.commit();
    } catch (error) {
      // The outcome may be unknown. Only a new producer, by its higher epoch, is safe from requests that are still on their way.
      this.#discard();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const { client, producer } = this.#connected ?? {};
    this.#connected = undefined;
    await client?.close(async () => producer?.disconnect());
  }

  #discard(): void {
    this.#connected?.client.kill();
    this.#connected = undefined;
  }

  async #address(outputs: readonly Output[]): Promise<Addressed[]> {
    const { admin, partitionOf } = this.#options;
    const counts = new Map<string, number>();
    const addressed: Addressed[] = [];
    for (const record of outputs) {
      const { topic } = record;
      checkSize(record);
      const count = counts.get(topic) ?? (await admin.partitionCount(topic));
      counts.set(topic, count);
      addressed.push({ topic, partition: partitionOf(partitioningKey(record), count), record });
    }
    return addressed;
  }

  async #sendOffset(transaction: Transaction, next: bigint): Promise<void> {
    const { group, topic, partition } = this.#options;
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
}

/** @throws {GaplineError} permanent, where Kafka would never take a record. */
function checkSize(record: Output): void {
  const size = sizeOf(record);
  if (size <= maxPartitionBytes) return;
  const detail = `A record of ${size} bytes is more than Kafka takes (${record.topic})`;
  throw new GaplineError('log-unavailable', detail, { retryable: false });
}

const permanent = (cause: unknown) =>
  new GaplineError('log-unavailable', describeError(cause), { cause, retryable: false });

/** How long a dead letter of a drain may take. */
const deadLetterMs = 10_000;

export interface PlainOptions extends GroupPartition {
  readonly writer: KafkaWriter;
  /** Commits as a member of the group: refused where this one is no member any more. */
  readonly commitOffset: (place: GroupPartition, next: bigint) => Promise<void>;
}

/** Dead letters first, then the offset: at least once. */
export class PlainCommitter implements Committer {
  readonly #options: PlainOptions;
  #fenced = false;

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  rejoined(): void {
    this.#fenced = false;
  }

  async fence(): Promise<void> {
    this.#fenced = true;
  }

  async commit(outputs: readonly Output[], next: bigint): Promise<void> {
    const { writer, commitOffset } = this.#options;
    outputs.forEach(checkSize);
    for (const [topic, records] of Map.groupBy(outputs, ({ topic }) => topic)) {
      await writer.append(topic, records, deadLetterMs).catch((error) => {
        throw isRecordRefused(error) ? permanent(error) : error;
      });
    }
    try {
      await commitOffset(this.#options, next);
    } catch (error) {
      this.#fenced = false;
      throw error;
    }
  }

  async close(): Promise<void> {}
}
