import type { Backoff } from '../../retry/backoff.ts';
import { sleep } from '../../retry/sleep.ts';
import type { PipeHandlers, PipeOptions, Running } from '../port.ts';
import { createRetryPolicy, type RetryPolicy } from '../retry-policy.ts';
import { type Committer, PlainCommitter, TransactionalCommitter } from './committer.ts';
import type { GroupPartition, MemberFetcher } from './consuming.ts';
import type { KafkaEngine } from './engine.ts';
import { historyOf } from './history.ts';
import { type CommittedOffset, Worker } from './worker.ts';

/** How long a worker that lost its partition may take to end. */
const lostMs = 300;

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
  const member = new Member(options);
  await member.start();
  return member;
}

class Member implements Running {
  readonly #options: MemberOptions;
  #fetcher: MemberFetcher | undefined;
  readonly #retry: RetryPolicy;
  readonly #workers = new Map<number, Worker>();
  /** Workers that lost their number and have not ended yet, by number. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #failure = Promise.withResolvers<never>();
  #stopped: Promise<void> | undefined;
  /** How many partitions the topics had when that was last told. */
  #partitions = 0;

  constructor(options: MemberOptions) {
    const { engine, group, handlers, backoff } = options;
    const { logger } = engine;
    this.#options = options;
    this.#failure.promise.catch(() => {});
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
    const { engine, from, group } = this.#options;
    const { logger, sessionTimeoutMs, consuming, admin } = engine;
    this.#partitions = Math.min(...(await Promise.all(from.map((topic) => admin.partitionCount(topic)))));
    this.#fetcher = await consuming.fetcher({
      ...{ group, topics: from, sessionTimeoutMs, logger },
      owned: () => [...this.#workers.keys()],
      bufferOf: (topic, partition) => this.#workers.get(partition)?.bufferOf(topic),
      remade: (topic) => this.#workers.forEach((worker) => void worker.remade(topic)),
      lostEnd: (topic, partition, end) => this.#workers.get(partition)?.lostEnd(topic, end),
      extentOf: (topic, partition) => engine.admin.extentOf(topic, partition),
      assigned: (partitions) => this.#assign(new Set(Object.values(partitions).flat())),
      failed: this.#failure.reject,
    });
    await this.#fetcher.start();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const all = [...this.#workers.values()];
    const timer = setTimeout(() => all.forEach((worker) => void worker.lose()), this.#options.graceMs);
    const ended = Promise.allSettled([...all.map((worker) => worker.ended), ...this.#leaving.values()]);
    await Promise.race([ended, sleep(this.#options.graceMs + lostMs, { ref: false })]);
    clearTimeout(timer);
    await this.#fetcher?.stop();
  }

  #assign(numbers: ReadonlySet<number>): void {
    if (this.#stopping.signal.aborted) return;
    this.#reportAdded(numbers);
    for (const [number, worker] of this.#workers) {
      if (numbers.has(number)) worker.rejoined();
      else this.#lose(worker);
    }
    for (const number of numbers) {
      if (!this.#workers.has(number)) this.#workers.set(number, this.#startWorker(number));
    }
  }

  #reportAdded(numbers: ReadonlySet<number>): void {
    const count = Math.max(0, ...numbers) + 1;
    if (count <= this.#partitions) return;
    this.#partitions = count;
    const { engine, group, from } = this.#options;
    const added = `${from.join(', ')} got more partitions: keys move to other ones`;
    engine.logger.warn({ group }, `${added}, where their order and what is remembered of them restart`);
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
    const fetcher = this.#started();
    const { engine, from, group, handlers, attempts = 5, maxBatch = 5_000, checkpoints } = this.#options;
    const worker = new Worker(
      {
        ...{ number, topics: from, group, handlers, attempts, maxBatch, logger: engine.logger },
        retry: this.#retry,
        fetcher,
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

  #started(): MemberFetcher {
    if (!this.#fetcher) throw new Error('The member has not started');
    return this.#fetcher;
  }

  #committer(partition: GroupPartition): Committer {
    const { engine, transactional } = this.#options;
    const fetcher = this.#started();
    if (transactional) {
      const open = (id: string) => engine.consuming.producer(id, fetcher);
      return new TransactionalCommitter({ ...engine, ...partition, open });
    }
    const commitOffset = (of: GroupPartition, next: bigint) => fetcher.commitOffset(of, next);
    return new PlainCommitter({ ...partition, writer: engine.writer, commitOffset });
  }
}

async function committedOffset(
  { admin }: KafkaEngine,
  { group, topic, partition }: GroupPartition,
): Promise<CommittedOffset> {
  const [held, { low, high }] = await Promise.all([admin.committed(group, topic), admin.extentOf(topic, partition)]);
  return { committed: held.get(partition), low, high };
}
