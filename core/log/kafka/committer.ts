import { describeError, GaplineError } from '../../wire/errors.ts';
import { type Partitioner, partitioningKey } from '../partition.ts';
import type { Output } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import type { GroupPartition, TransactionalProducer } from './consuming.ts';
import { isRecordRefused } from './errors.ts';
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
  /** As `close`, at once: nobody waits for a broker that may not answer. */
  kill(): void;
}

export interface TransactionalOptions extends GroupPartition {
  readonly open: (transactionalId: string) => Promise<TransactionalProducer>;
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
  #producer: TransactionalProducer | undefined;
  #closed = false;

  constructor(options: TransactionalOptions) {
    this.#options = options;
  }

  get fenced(): boolean {
    return this.#producer !== undefined;
  }

  /** Nothing to do: had another member been here, this producer would be fenced. */
  rejoined(): void {}

  async fence(): Promise<void> {
    this.#discard();
    const { open, prefix, group, topic, partition } = this.#options;
    const producer = await open(`${prefix}.${group}.${topic}.${partition}`);
    if (this.#closed) {
      producer.kill();
      throw new Error('The partition was given back');
    }
    this.#producer = producer;
  }

  async commit(outputs: readonly Output[], next: bigint): Promise<void> {
    if (!this.#producer) throw new Error('commit() needs fence() first');
    const addressed = await this.#address(outputs);
    try {
      await this.#producer.commit(splitIntoRequests(addressed), this.#options, next);
    } catch (error) {
      // The outcome may be unknown. Only a new producer, by its higher epoch, is safe from requests that are still on their way.
      this.#discard();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close();
  }

  kill(): void {
    this.#closed = true;
    this.#discard();
  }

  #discard(): void {
    this.#producer?.kill();
    this.#producer = undefined;
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

  kill(): void {}
}
