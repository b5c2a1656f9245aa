import type { Logger } from 'pino';
import type { Backoff } from '../retry/backoff.ts';
import { sleep } from '../retry/sleep.ts';
import { GaplineError } from '../wire/errors.ts';
import { type Address, type AddressOptions, type ClientName, parseAddress } from './kafka/address.ts';
import { KafkaAdmin } from './kafka/admin.ts';
import { type Client, createClient } from './kafka/client.ts';
import { clientFor } from './kafka/client-version.ts';
import type { ConsumingClient } from './kafka/consuming.ts';
import type { KafkaEngine } from './kafka/engine.ts';
import { isAccessDenied, kafkaError } from './kafka/errors.ts';
import { kafkajsConsuming } from './kafka/kafkajs-consuming.ts';
import { startMember } from './kafka/member.ts';
import { MissingTopics } from './kafka/missing-topics.ts';
import { planRewind, rewind } from './kafka/rewind.ts';
import { tail } from './kafka/tail.ts';
import { whileUnavailable } from './kafka/while-unavailable.ts';
import { KafkaWriter } from './kafka/writer.ts';
import { createPartitioner } from './partition.ts';
import {
  AppendError,
  type DrainOptions,
  type EventLog,
  groupActive,
  type LogRecord,
  type Output,
  type PartitionLag,
  type PipeHandlers,
  type PipeOptions,
  type RewindOptions,
  type Rewound,
  type Running,
  type Sink,
  type StoredRecord,
  type TailOptions,
  type TopicSpec,
} from './port.ts';
import { defaultBackoff } from './retry-policy.ts';
import { sinkAsHandlers } from './sink.ts';

/** The most bytes of records that may wait to be sent. */
const maxWaitingBytes = 64 << 20;
const betweenAttemptsMs = 1_000;
/** What stopping may take in all, from the first consumer that is stopped; a process that takes longer is cut off. */
const stopMs = 9_000;
/** What is left for the rest, however long consumers took. */
const leastStopMs = 1_000;
/** kafkajs retries by itself for some ten seconds; after that the log's own retry policy takes over, visibly. */
const retry = { initialRetryTime: 20, maxRetryTime: 1_000, factor: 0.2, multiplier: 2, retries: 14 };
/** A consumer looks for another coordinator only when it restarts: measured, after 12 s with the retries above, after 2 s with these. */
const consumerRetry = { ...retry, initialRetryTime: 200, retries: 3 };
/** The first connection is retried by the log, which logs that. */
const firstConnectionRetry = { ...retry, retries: 2 };

export interface KafkaLogOptions extends AddressOptions {
  readonly logger: Logger;
  /** The first part of the ids of transactions and of ephemeral consumer groups. Default `gapline`. */
  readonly prefix?: string;
  /** After so long without a sign of life a member's partitions go to others. Default 10 s. */
  readonly sessionTimeoutMs?: number;
  /** How long a request may go without an answer before its outcome counts as unknown. Default 15 s. */
  readonly requestTimeoutMs?: number;
  /** How long `start` waits for a broker that does not answer yet. Default 60 s. */
  readonly waitMs?: number;
  /** How long a consumer that stops waits for the batches in hand. Default 6 s. */
  readonly graceMs?: number;
  readonly backoff?: Backoff;
}

/**
 * The distributed engine: the log on Apache Kafka.
 * @throws {GaplineError} `config-invalid` for an address that makes no sense, or whose client needs a newer Node.
 */
export function createKafkaLog(options: KafkaLogOptions): EventLog {
  return new KafkaLog(options);
}

class KafkaLog implements EventLog {
  readonly #options: KafkaLogOptions;
  readonly #address: Address;
  readonly #client: ClientName;
  readonly #stopping = new AbortController();
  readonly #members = new Set<Running>();
  #started: KafkaEngine | undefined;
  #stopped: Promise<void> | undefined;
  /** When the first consumer, or this itself, began to stop (`performance.now()`). */
  #stopBegan: number | undefined;

  constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#address = parseAddress(options);
    this.#client = clientFor(this.#address.client);
  }

  async start(): Promise<void> {
    const { logger, prefix = 'gapline', sessionTimeoutMs = 10_000 } = this.#options;
    const connect = (user?: 'consumer') => this.#connect(user === 'consumer' ? consumerRetry : retry);
    const admin = await this.#waitForBroker();
    const partitionOf = createPartitioner();
    const writer = new KafkaWriter({ connect, admin, partitionOf, logger, maxWaitingBytes });
    const missingTopics = new MissingTopics(admin, logger);
    const consuming = await this.#consuming(connect, admin);
    const parts = { logger, connect, admin, writer, consuming, missingTopics, partitionOf };
    this.#started = { ...parts, prefix, sessionTimeoutMs, ending: new Set() };
  }

  async #consuming(connect: KafkaEngine['connect'], admin: KafkaAdmin): Promise<ConsumingClient> {
    if (this.#client === 'kafkajs') return kafkajsConsuming(connect, admin);
    const { platformaticConsuming } = await import('./kafka/platformatic/consuming.ts');
    return platformaticConsuming(this.#address, this.#options.requestTimeoutMs ?? 15_000);
  }

  #connect(trying: typeof retry): Promise<Client> {
    const { logger, requestTimeoutMs = 15_000 } = this.#options;
    return createClient({ address: this.#address, logger, retry: trying, requestTimeoutMs });
  }

  /** Resolves once Kafka answers. */
  async #waitForBroker(): Promise<KafkaAdmin> {
    const { logger, waitMs = 60_000 } = this.#options;
    const brokers = this.#address.brokers.join(', ');
    const until = performance.now() + waitMs;
    for (let warned = false; ; warned = true) {
      const client = await this.#connect(firstConnectionRetry);
      try {
        await this.#firstConnection(client);
        client.kill();
        const admin = new KafkaAdmin(await this.#connect(retry));
        await admin.connect();
        return admin;
      } catch (error) {
        client.kill();
        if (isAccessDenied(error)) throw accessDenied(brokers, error);
        const { message } = kafkaError(`Kafka at ${brokers} does not answer`, error);
        if (this.#stopping.signal.aborted || performance.now() + betweenAttemptsMs > until) {
          throw new GaplineError('log-unavailable', message, { cause: error, retryable: true });
        }
        if (!warned) logger.warn(`${message}; is it started? Waiting for it`);
        await sleep(betweenAttemptsMs);
      }
    }
  }

  async #firstConnection({ kafka }: Client): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    await admin.describeCluster();
    await admin.disconnect();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    this.#stopBegan ??= performance.now();
    await Promise.all([...this.#members].map((member) => member.stop()));
    this.#stopping.abort();
    const started = this.#started;
    if (!started) return;
    const { missingTopics, ending, writer, admin } = started;
    missingTopics.stop();
    const leave = async () => {
      await Promise.all(ending);
      this.#started = undefined;
      await writer.stop();
      await admin.close();
    };
    const leftMs = stopMs - (performance.now() - this.#stopBegan);
    await Promise.race([leave(), sleep(Math.max(leastStopMs, leftMs), { ref: false })]);
    // Where that was too short, what waits is refused, and nothing is retried any more.
    this.#started = undefined;
    writer.kill();
    admin.kill();
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const { admin, missingTopics } = this.#engine();
    await this.#whileUnavailable(() => admin.ensure(topics));
    missingTopics.keep(topics);
  }

  async append(topic: string, records: readonly LogRecord[], { deadlineMs }: { deadlineMs: number }): Promise<void> {
    if (!this.#started) throw new AppendError('refused', `Kafka at ${this.#address.brokers} is not connected`);
    await this.#started.writer.append(topic, records, deadlineMs);
  }

  pipe(options: PipeOptions, handlers: PipeHandlers): Promise<Running> {
    return this.#join(options, handlers, true);
  }

  drain(
    options: DrainOptions,
    sink: Sink,
    rejected: (record: StoredRecord, reason: unknown, maxBytes?: number) => Output,
  ): Promise<Running> {
    return this.#join(options, sinkAsHandlers(sink, rejected, options.stalled), false);
  }

  async #join(options: PipeOptions, handlers: PipeHandlers, transactional: boolean): Promise<Running> {
    const engine = this.#engine();
    const { backoff = defaultBackoff, graceMs = 6_000 } = this.#options;
    await this.#whileUnavailable(() => checkInputs(engine.admin, options.from));
    const joining = { ...options, engine, handlers, transactional, backoff, graceMs };
    const member = await this.#whileUnavailable(() => startMember(joining));
    if (this.#stopping.signal.aborted) {
      await member.stop();
      throw notConnected(this.#address);
    }
    this.#members.add(member);
    const stop = () => {
      this.#stopBegan ??= performance.now();
      return member.stop().finally(() => this.#members.delete(member));
    };
    return { failed: member.failed, stop };
  }

  tail(topics: readonly string[], options: TailOptions): AsyncIterable<readonly StoredRecord[]> {
    const signals = [this.#stopping.signal, ...(options.signal ? [options.signal] : [])];
    return tail(this.#engine(), topics, options, AbortSignal.any(signals));
  }

  lag(group: string, topics: readonly string[]): Promise<readonly PartitionLag[]> {
    return this.#engine().admin.lag(group, topics);
  }

  async rewind(
    group: string,
    topics: readonly string[],
    sinceMs: number,
    { dryRun = false }: RewindOptions = {},
  ): Promise<readonly Rewound[]> {
    const { admin } = this.#engine();
    if (dryRun) return await planRewind(admin, group, topics, sinceMs);
    const moved = await rewind(admin, group, topics, sinceMs);
    if (!moved) throw groupActive(group);
    return moved;
  }

  #whileUnavailable<T>(work: () => Promise<T>): Promise<T> {
    return whileUnavailable({ signal: this.#stopping.signal, logger: this.#options.logger }, work);
  }

  #engine(): KafkaEngine {
    if (!this.#started) throw notConnected(this.#address);
    return this.#started;
  }
}

async function checkInputs(admin: KafkaAdmin, topics: readonly string[]): Promise<void> {
  const counts = await Promise.all(topics.map((topic) => admin.partitionCount(topic)));
  if (new Set(counts).size <= 1) return;
  const each = counts.map((count, at) => `${topics[at]} has ${count}`).join(', ');
  const detail = `The inputs of one pipe need the same number of partitions, but ${each}`;
  throw new GaplineError('topic-mismatch', detail, { retryable: false });
}

const notConnected = ({ brokers }: Address): GaplineError =>
  new GaplineError('log-unavailable', `Kafka at ${brokers} is not connected`);

const accessDenied = (brokers: string, error: unknown): GaplineError =>
  new GaplineError('log-unavailable', kafkaError(`Kafka at ${brokers} denies this client access`, error).message, {
    cause: error,
    retryable: false,
  });
