import type { AssignerProtocol, Consumer, EachBatchPayload, PartitionAssigner } from 'kafkajs';
import { poll } from '../../retry/poll.ts';
import { sleep } from '../../retry/sleep.ts';
import { GaplineError } from '../../wire/errors.ts';
import { Condition } from '../condition.ts';
import type { Client } from './client.ts';
import type { FetchOptions, GroupPartition, MemberFetcher } from './consuming.ts';
import { isAccessDenied, kafkaError } from './errors.ts';
import { MembershipProof } from './membership-proof.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';
import { reportLostEnd, reportRemade } from './remade-topic.ts';
import { TopicIdentity } from './topic-identity.ts';

/** How long a fetch waits on the broker. A buffer that was full is filled again only after the running fetch. */
const fetchWaitMs = 100;
const fetchPartitionBytes = 1 << 20;
const fetchBytes = 16 << 20;
/** How long partitions that were added, and a topic that was made anew, may stay unseen. */
const metadataMaxAgeMs = 5_000;
const identityMs = 2_000;
const betweenChecksMs = 100;
const betweenRunsMs = 1_000;

export interface FetcherOptions extends FetchOptions {
  readonly client: Client;
  readonly assigner: (protocol: typeof AssignerProtocol) => PartitionAssigner;
}

/**
 * A member of a Kafka group that keeps buffers filled. It never waits for those who take from them: a partition whose buffer is full is
 * paused, so heartbeats and the other partitions continue however long the records take.
 */
export class Fetcher implements MemberFetcher {
  readonly #options: FetcherOptions;
  /** Notified when buffers got records and when the membership was confirmed. */
  readonly changed = new Condition();
  #consumer: Consumer | undefined;
  readonly #proof = new MembershipProof(this.changed);
  #stopping = false;
  #unavailable = false;
  /** Whether the topics were looked at since the group was joined: a topic that is deleted makes every member join again. */
  #identified = false;
  readonly #identity: TopicIdentity;
  #stopLooking = () => {};
  /** The partitions whose buffer was full. */
  readonly #paused = new Set<string>();

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#identity = new TopicIdentity(options.topics, (topic) => this.#remade(topic));
  }

  /** Connects; joins the group in the background. */
  async start(): Promise<void> {
    const { client, group, topics, assigner, sessionTimeoutMs } = this.#options;
    const { AssignerProtocol } = await import('kafkajs');
    const assign = assigner(AssignerProtocol);
    const consumer = client.kafka.consumer({
      groupId: group,
      partitionAssigners: [
        (options) => {
          this.#identity.use(options.cluster);
          return assign(options);
        },
      ],
      metadataMaxAge: metadataMaxAgeMs,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 4),
      maxWaitTimeInMs: fetchWaitMs,
      maxBytesPerPartition: fetchPartitionBytes,
      maxBytes: fetchBytes,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: { restartOnFailure: async () => !this.#stopping },
    });
    this.#consumer = consumer;
    this.#listen(consumer);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    } catch (error) {
      client.kill();
      throw kafkaError(`${topics.join(', ')} cannot be followed`, error);
    }
    this.#run(consumer).catch((error) => this.#fail(error));
    this.#stopLooking = poll(identityMs, () => this.#identity.check());
  }

  #run(consumer: Consumer): Promise<void> {
    return consumer.run({
      ...{ autoCommit: false, eachBatchAutoResolve: false },
      eachBatch: (payload) => this.#take(payload),
    });
  }

  /** Joins once more, with a consumer that kafkajs gave up and disconnected. */
  async #runAgain(consumer: Consumer): Promise<void> {
    while (!this.#stopping) {
      await sleep(betweenRunsMs, { ref: false });
      try {
        await consumer.connect();
        return await this.#run(consumer);
      } catch (error) {
        if (isAccessDenied(error)) return this.#fail(error);
      }
    }
  }

  /** Leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopLooking();
    await this.#options.client.close(async () => this.#consumer?.disconnect());
  }

  /** Resumes a partition whose buffer was full, once it is not. */
  resume(buffer: PrefetchBuffer): void {
    if (buffer.full || !this.#paused.delete(keyOf(buffer))) return;
    this.#whileRunning((consumer) => consumer.resume([{ topic: buffer.topic, partitions: [buffer.partition] }]));
  }

  /** Fetches again from where a buffer is now. */
  seek({ topic, partition, next }: PrefetchBuffer): void {
    this.#whileRunning((consumer) => consumer.seek({ topic, partition, offset: String(next) }));
  }

  /** Commits as a member; Kafka refuses it from one that was removed from the group. */
  async commitOffset({ topic, partition }: GroupPartition, next: bigint): Promise<void> {
    await this.#consumer?.commitOffsets([{ topic, partition, offset: String(next) }]);
  }

  async identifyTopics(): Promise<boolean> {
    await this.#identity.check();
    return this.#identity.hasIds;
  }

  /** Resolves once the group confirmed, after the given moment (`performance.now()`), that this is a member. */
  provenSince(moment: number, signal: AbortSignal): Promise<void> {
    return this.#proof.since(moment, signal);
  }

  #listen(consumer: Consumer): void {
    const { assigned, group, logger, bufferOf } = this.#options;
    const proven = () => {
      this.#proof.confirm();
    };
    consumer.on(consumer.events.HEARTBEAT, () => {
      proven();
      this.changed.notifyAll();
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      proven();
      if (this.#unavailable) logger.info({ group }, 'Kafka is available again');
      this.#unavailable = false;
      logger.debug({ group, assignment: payload.memberAssignment }, 'Joined the group');
      this.#resumeAll();
      this.#identified = false;
      assigned(payload.memberAssignment);
      this.changed.notifyAll();
    });
    // kafkajs does not call eachBatch for a fetch that holds nothing but transaction markers.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
      if (batchSize > 0) return;
      bufferOf(topic, partition)?.accept([], BigInt(lastOffset));
      this.changed.notifyAll();
    });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (this.#stopping) return;
      const runsAgain = !restart && mayPass(error);
      if (runsAgain) void this.#runAgain(consumer);
      else if (!restart) return this.#fail(error);
      if (!this.#unavailable)
        logger.warn({ group }, `${kafkaError('Kafka is unavailable', error).message}; trying again`);
      this.#unavailable = true;
    });
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    const { batch, pause, resolveOffset, isStale } = payload;
    if (!(await this.#isSound(batch))) return;
    // Fetched before the buffer was set back: it would leave a hole.
    if (isStale()) return;
    const buffer = this.#options.bufferOf(batch.topic, batch.partition);
    if (!buffer?.full) {
      buffer?.accept(batch.messages, BigInt(batch.lastOffset()));
      const last = batch.messages.at(-1);
      if (last) resolveOffset(last.offset);
    }
    if (buffer?.full) {
      this.#paused.add(keyOf(buffer));
      pause();
    }
    this.changed.notifyAll();
  }

  /** Whether a batch is of the topic that its buffer is of; false where that cannot be told yet. Then it is fetched again. */
  async #isSound({ topic, partition, highWatermark }: EachBatchPayload['batch']): Promise<boolean> {
    const next = this.#options.bufferOf(topic, partition)?.next ?? 0n;
    const wentBack = BigInt(highWatermark) < next;
    if (this.#identified && !wentBack) return true;
    try {
      await this.#identity.check();
      this.#identified = true;
      const buffer = this.#options.bufferOf(topic, partition);
      // A new leader may not know the end for a moment; the one that it confirms counts.
      if (wentBack && buffer?.next === next) {
        const { high } = await this.#options.extentOf(topic, partition);
        if (high < next) this.#wentBack(topic, partition, high);
      }
      return true;
    } catch {
      await sleep(betweenChecksMs);
      return false;
    }
  }

  #remade(topic: string): void {
    reportRemade(this.#options, topic);
    this.changed.notifyAll();
  }

  #wentBack(topic: string, partition: number, end: bigint): void {
    if (this.#identity.hasIds) reportLostEnd(this.#options, { topic, partition, end });
    else reportRemade(this.#options, topic);
    this.changed.notifyAll();
  }

  /** After a rebalance the same partitions may have other buffers. */
  #resumeAll(): void {
    for (const place of this.#paused) {
      const { topic, partition } = JSON.parse(place) as { topic: string; partition: number };
      this.#whileRunning((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
    }
    this.#paused.clear();
  }

  /** Between two attempts to join there is no running consumer; the next one starts from the state of the buffers. */
  #whileRunning(act: (consumer: Consumer) => void): void {
    try {
      if (this.#consumer && !this.#stopping) act(this.#consumer);
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'The consumer is not running');
    }
  }

  #fail(error: unknown): void {
    const { group, failed } = this.#options;
    const why = isAccessDenied(error)
      ? 'Kafka denies this client access'
      : `The consumer of group ${group} cannot continue`;
    failed(new GaplineError('log-unavailable', kafkaError(why, error).message, { cause: error, retryable: false }));
  }
}

/**
 * Whether an error that kafkajs takes for final is none: it reached no broker that knows the coordinator, or the error is neither Kafka's nor
 * kafkajs' own, as "Broker not connected" where a broker went away between two reconnections.
 */
function mayPass(error: unknown): boolean {
  let at = error;
  for (; at instanceof Error; at = at.cause) {
    if (at.name === 'KafkaJSGroupCoordinatorNotFound') return true;
    if (!(at.cause instanceof Error)) break;
  }
  return at instanceof Error && !at.name.startsWith('KafkaJS');
}

const keyOf = ({ topic, partition }: PrefetchBuffer): string => JSON.stringify({ topic, partition });
