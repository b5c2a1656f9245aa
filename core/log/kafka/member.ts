import type { Backoff } from '../../retry/backoff.ts';
import type { PipeHandlers, PipeOptions, Running } from '../port.ts';
import { createRetryPolicy, type RetryPolicy } from '../retry-policy.ts';
import { coPartitioning } from './assigner.ts';
import type { Client } from './client.ts';
import { type Committer, type GroupPartition, PlainCommitter, TransactionalCommitter } from './committer.ts';
import type { KafkaEngine } from './engine.ts';
import { Fetcher } from './fetcher.ts';
import { historyOf } from './history.ts';
import { type CommittedOffset, Worker } from './worker.ts';

export interface MemberOptions extends PipeOptions {
  readonly engine: KafkaEngine;
  readonly handlers: PipeHandlers;
  readonly backoff: Backoff;
  /** How long `stop` waits for the batches in hand. */
  readonly graceMs: number;
  /** Whether outputs and offsets commit together; else outputs come first. */
  readonly transactional: boolean;
}

/** Starts a member of a group: one worker for each partition number that the group assigns to it. */
export async function startMember(options: MemberOptions): Promise<Running> {
  const client = await options.engine.connect('consumer');
  const member = new Member(options, client);
  await member.start();
  return member;
}

class Member implements Running {
  readonly #options: MemberOptions;
  readonly #client: Client;
  readonly #fetcher: Fetcher;
  readonly #retry: RetryPolicy;
  readonly #workers = new Map<number, Worker>();
  /** Workers that lost their number and have not ended yet, by number. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  #stopped: Promise<void> | undefined;

  constructor(options: MemberOptions, client: Client) {
    const { engine, from, group, handlers, backoff } = options;
    const { logger, sessionTimeoutMs } = engine;
    this.#options = options;
    this.#client = client;
    this.#failure.promise.catch(() => {});
    this.#fetcher = new Fetcher({
      client,
      group,
      topics: from,
      assigner: (protocol) => coPartitioning(protocol, () => [...this.#workers.keys()]),
      sessionTimeoutMs,
      logger,
      bufferOf: (topic, partition) => this.#workers.get(partition)?.bufferOf(topic),
      remade: (topic, partition) => this.#remade(topic, partition),
      endOf: (topic, partition) => engine.admin.endOf(topic, partition),
      assigned: (partitions) => this.#assign(new Set(Object.values(partitions).flat())),
      failed: this.#failure.reject,
    });
    this.#retry = createRetryPolicy({
      group,
      logger,
      stopping: this.#stopping.signal,
      stalled: handlers.stalled && ((stall) => handlers.stalled?.(stall)),
      backoff,
    });
  }

  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  async start(): Promise<void> {
    try {
      await this.#fetcher.start();
    } catch (error) {
      this.#client.kill();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const all = [...this.#workers.values()];
    const timer = setTimeout(() => all.forEach((worker) => void worker.lose()), this.#options.graceMs);
    await Promise.allSettled([...all.map(({ ended }) => ended), ...this.#leaving.values()]);
    clearTimeout(timer);
    await this.#fetcher.stop();
  }

  #assign(numbers: ReadonlySet<number>): void {
    if (this.#stopping.signal.aborted) return;
    for (const [number, worker] of this.#workers) {
      if (numbers.has(number)) worker.rejoined();
      else this.#lose(worker);
    }
    for (const number of numbers) {
      if (!this.#workers.has(number)) this.#workers.set(number, this.#startWorker(number));
    }
  }

  #remade(topic: string, partition?: number): void {
    for (const [number, worker] of this.#workers) {
      if (partition === undefined || number === partition) worker.remade(topic);
    }
  }

  #lose(worker: Worker): void {
    const { number } = worker;
    worker.lose();
    this.#workers.delete(number);
    const gone = worker.ended
      .catch(() => {})
      .then(() => {
        if (this.#leaving.get(number) === gone) this.#leaving.delete(number);
      });
    this.#leaving.set(number, gone);
  }

  #startWorker(number: number): Worker {
    const { engine, from, group, handlers, attempts = 5, maxBatch = 5_000, checkpoints } = this.#options;
    const worker = new Worker(
      {
        ...{ number, topics: from, group, handlers, attempts, maxBatch, logger: engine.logger },
        retry: this.#retry,
        fetcher: this.#fetcher,
        stopping: this.#stopping.signal,
        committerOf: (topic) => this.#committer({ group, topic, partition: number }),
        committedOffset: (topic) => committedOffset(engine, { group, topic, partition: number }),
        checkpoints,
        historyOf: (committed, signal) => historyOf(engine, { partition: number, committed, checkpoints, signal }),
      },
      this.#leaving.get(number) ?? Promise.resolve(),
    );
    worker.ended.catch(this.#failure.reject);
    return worker;
  }

  #committer(partition: GroupPartition): Committer {
    const { engine, transactional } = this.#options;
    if (transactional) return new TransactionalCommitter({ ...engine, ...partition });
    const commitOffset = (of: GroupPartition, next: bigint) => this.#fetcher.commitOffset(of, next);
    return new PlainCommitter({ ...partition, writer: engine.writer, commitOffset });
  }
}

async function committedOffset(
  { admin }: KafkaEngine,
  { group, topic, partition }: GroupPartition,
): Promise<CommittedOffset> {
  const [held, extents] = await Promise.all([admin.committed(group, topic), admin.extents(topic)]);
  const { low, high } = extents.find((extent) => extent.partition === partition) ?? { low: 0n, high: 0n };
  return { committed: held.get(partition), low, high };
}
