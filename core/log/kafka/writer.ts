import type { Producer } from 'kafkajs';
import type { Logger } from 'pino';
import { sleep } from '../../retry/sleep.ts';
import { describeError } from '../../wire/errors.ts';
import { type Partitioner, partitioningKey } from '../partition.ts';
import { AppendError, type LogRecord } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import type { Client } from './client.ts';
import { kafkaError } from './errors.ts';
import { onOneBroker, send } from './send.ts';
import { SentTopics } from './sent-topics.ts';
import { type Addressed, maxPartitionBytes, RequestBatch, sizeOf } from './split.ts';

const reconnectMs = 100;
/** How long the log, when it stops, continues sending the records that wait. */
const lastSendsMs = 3_000;

export interface KafkaWriterOptions {
  readonly connect: () => Promise<Client>;
  readonly admin: KafkaAdmin;
  readonly partitionOf: Partitioner;
  readonly logger: Logger;
  /** The most bytes that may wait; more are refused. */
  readonly maxWaitingBytes: number;
}

interface Connected {
  readonly client: Client;
  readonly producer: Producer;
  readonly sentTopics: SentTopics;
}

interface Job {
  readonly topic: string;
  readonly records: readonly Addressed[];
  readonly deadline: number;
  /** How many records are durable or on their way. */
  next: number;
  /** Whether any record was ever sent. */
  sent: boolean;
  settled: boolean;
  readonly settle: (error?: AppendError) => void;
}

/**
 * Appends with `acks=-1` by an idempotent producer. Exactly one request is under way at a time: kafkajs gives a sequence number that
 * failed to the next request, and a broker would take that one for a duplicate. Appends that arrive meanwhile share the next request.
 */
export class KafkaWriter {
  readonly #options: KafkaWriterOptions;
  #queue: Job[] = [];
  /** Of appends that have begun and not ended. */
  #reservedBytes = 0;
  #running = false;
  /** Why Kafka cannot be reached. */
  #trouble: string | undefined;
  #connected: Promise<Connected> | undefined;

  constructor(options: KafkaWriterOptions) {
    this.#options = options;
  }

  /** @throws {AppendError} when it is refused, or not known to be durable at the deadline. */
  async append(topic: string, records: readonly LogRecord[], deadlineMs: number): Promise<void> {
    if (records.length === 0) return;
    const deadline = performance.now() + deadlineMs;
    // Reserved before the first wait: appends that begin together must see each other.
    const bytes = this.#reserve(topic, records);
    try {
      const addressed = await this.#address(topic, records, deadlineMs);
      await this.#enqueue({ topic, records: addressed, deadline });
    } finally {
      this.#reservedBytes -= bytes;
    }
  }

  /** Resolves once the records are durable. */
  #enqueue(append: Pick<Job, 'topic' | 'records' | 'deadline'>): Promise<void> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        ...append,
        ...{ next: 0, sent: false, settled: false },
        settle: (error) => {
          if (job.settled) return;
          job.settled = true;
          clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#queue = this.#queue.filter((waiting) => waiting !== job);
        job.settle(late(job, this.#trouble));
      }, append.deadline - performance.now());
      this.#queue.push(job);
      this.#run();
    });
  }

  /** Sends the records that wait, for a moment, refuses the rest, and closes. */
  async stop(): Promise<void> {
    for (const until = performance.now() + lastSendsMs; this.#running && performance.now() < until; ) await sleep(10);
    this.#refuseAll();
    const { client, producer } = (await this.#disconnected()) ?? {};
    await client?.close(async () => producer?.disconnect());
  }

  /** Refuses what waits, and closes at once. */
  kill(): void {
    this.#refuseAll();
    void this.#giveUp();
  }

  #refuseAll(): void {
    for (const job of this.#queue) job.settle(late(job, 'the log was stopped'));
    this.#queue = [];
  }

  /** Takes the connection, if there is one, so that the caller can close it. */
  async #disconnected(): Promise<Connected | undefined> {
    const connected = this.#connected;
    this.#connected = undefined;
    return await connected?.catch(() => undefined);
  }

  /** @throws {AppendError} where the records would go past the bound; an append that is alone may. */
  #reserve(topic: string, records: readonly LogRecord[]): number {
    let bytes = 0;
    for (const record of records) {
      const size = sizeOf(record);
      if (size > maxPartitionBytes) {
        throw new AppendError('refused', `A record of ${size} bytes is more than Kafka takes (${topic})`);
      }
      bytes += size;
    }
    if (this.#reservedBytes > 0 && this.#reservedBytes + bytes > this.#options.maxWaitingBytes) {
      throw new AppendError('refused', `${this.#reservedBytes >> 20} MB wait to be sent to Kafka already`);
    }
    this.#reservedBytes += bytes;
    return bytes;
  }

  async #address(topic: string, records: readonly LogRecord[], deadlineMs: number): Promise<Addressed[]> {
    const { admin, partitionOf } = this.#options;
    try {
      const count = await within(deadlineMs, admin.partitionCount(topic));
      return records.map((record) => ({ topic, partition: partitionOf(partitioningKey(record), count), record }));
    } catch (error) {
      throw new AppendError('refused', describeError(error), error);
    }
  }

  /** Starts the loop that sends, after this turn of the event loop, so that the appends of one turn share a request. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(async () => {
      while (this.#queue.length > 0) await this.#sendOnce();
      this.#running = false;
    });
  }

  async #sendOnce(): Promise<void> {
    const connected = await this.#connection();
    if (!connected || this.#queue.length === 0) return;
    const { batch, jobs } = this.#fill();
    const lastDeadline = Math.max(...jobs.map(({ deadline }) => deadline));
    try {
      await within(lastDeadline - performance.now(), this.#sendBatch(connected, batch));
      for (const job of jobs) if (job.next === job.records.length) job.settle();
    } catch (error) {
      await this.#giveUp();
      const meaning = kafkaError('Kafka did not confirm', error);
      this.#options.logger.warn({ topics: [...new Set(jobs.map(({ topic }) => topic))] }, meaning.message);
      for (const { topic } of jobs) this.#options.admin.forget(topic);
      for (const job of jobs) job.settle(new AppendError('unknown', meaning.message, error));
    }
    this.#queue = this.#queue.filter(({ settled }) => !settled);
  }

  /** Rejects also where a batch that was sent again may stand in a topic that is deleted, and in the one made after it. */
  async #sendBatch({ producer, sentTopics }: Connected, batch: RequestBatch): Promise<void> {
    const topics = batch.topicMessages.map(({ topic }) => topic);
    await sentTopics.meet(topics);
    const { repeated } = await send(producer, batch, this.#options.admin);
    if (repeated) await sentTopics.demandSame(topics);
  }

  /** Takes as many waiting records as one request carries. Jobs keep their order, and so do the records of a key. */
  #fill(): { batch: RequestBatch; jobs: Job[] } {
    const batch = new RequestBatch();
    const jobs: Job[] = [];
    for (const job of this.#queue) {
      const { records } = job;
      const before = job.next;
      for (let next = records[before]; next && batch.add(next); next = records[job.next]) job.next += 1;
      if (job.next > before) {
        job.sent = true;
        jobs.push(job);
      }
      if (job.next < records.length) break;
    }
    return { batch, jobs };
  }

  /** The producer's, made where there is none; undefined while Kafka cannot be reached. */
  async #connection(): Promise<Connected | undefined> {
    const [first] = this.#queue;
    if (!first) return undefined;
    this.#connected ??= this.#connect();
    try {
      const connected = await within(first.deadline - performance.now(), this.#connected);
      this.#trouble = undefined;
      return connected;
    } catch (error) {
      // Only this deadline was short: the attempt continues for later appends.
      if (error instanceof Late) return undefined;
      this.#connected = undefined;
      this.#trouble = kafkaError('it cannot be reached', error).message;
      await sleep(reconnectMs);
      return undefined;
    }
  }

  async #connect(): Promise<Connected> {
    const client = await this.#options.connect();
    const producer = client.kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner: onOneBroker,
      metadataMaxAge: 5_000,
    });
    try {
      await producer.connect();
      return { client, producer, sentTopics: new SentTopics(client.cluster) };
    } catch (error) {
      client.kill();
      throw error;
    }
  }

  /** After an unknown outcome the producer's sequence numbers mean nothing any more. */
  async #giveUp(): Promise<void> {
    const { client } = (await this.#disconnected()) ?? {};
    client?.kill();
  }
}

class Late extends Error {
  constructor() {
    super('it did not answer in time');
  }
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Late()), Math.max(0, ms));
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function late({ topic, sent }: Job, trouble: string | undefined): AppendError {
  const why = trouble ? `: ${trouble}` : '';
  return sent
    ? new AppendError('unknown', `Kafka did not confirm the records of ${topic} in time${why}`)
    : new AppendError('refused', `Kafka did not take the records of ${topic} in time${why}`);
}
