import type { Logger } from 'pino';
import { GaplineError } from '../../wire/errors.ts';
import { type BatchProcessor, createBatchProcessor, Fenced } from '../batch-processor.ts';
import { Checkpoints } from '../checkpoint.ts';
import type { CheckpointOptions, History, Output, PipeHandlers, Positions } from '../port.ts';
import { Interrupted, type RetryPolicy } from '../retry-policy.ts';
import type { Committer } from './committer.ts';
import type { MemberFetcher } from './consuming.ts';
import { kafkaError } from './errors.ts';
import { PrefetchBuffer } from './prefetch-buffer.ts';

/** A batch ends with the record that takes it past this. */
const maxBatchBytes = 4 << 20;
/** After so long without a record, a commit of its own moves the group past transaction markers, so that its lag becomes 0. */
const idleMs = 300;

/** Where a group stands in a partition, and what the partition holds. */
export interface CommittedOffset {
  readonly committed: bigint | undefined;
  readonly low: bigint;
  readonly high: bigint;
}

export interface WorkerOptions {
  readonly number: number;
  readonly topics: readonly string[];
  readonly group: string;
  readonly handlers: PipeHandlers;
  readonly retry: RetryPolicy;
  readonly attempts: number;
  readonly maxBatch: number;
  readonly logger: Logger;
  readonly fetcher: Pick<MemberFetcher, 'changed' | 'resume' | 'seek' | 'provenSince' | 'identifyTopics'>;
  /** Aborted when no new batch may start. */
  readonly stopping: AbortSignal;
  readonly committerOf: (topic: string) => Committer;
  /** The offset that the group has committed in a topic, and the lowest one, where it starts if it has committed nothing. */
  readonly committedOffset: (topic: string) => Promise<CommittedOffset>;
  readonly checkpoints?: CheckpointOptions | undefined;
  readonly historyOf: (committed: Positions, signal: AbortSignal) => History;
}

interface Input {
  readonly topic: string;
  readonly buffer: PrefetchBuffer;
  readonly committer: Committer;
  readonly process: BatchProcessor;
  /** What the group had committed when this was last read. */
  committed: bigint | undefined;
  /** All below it is done. */
  position: bigint;
  /** Where a commit with an unknown outcome would have moved the group. */
  attempted: bigint | undefined;
  /** Whether the group's offset was read after others were last fenced: fencing may succeed, and reading fail. */
  isKnown: boolean;
  /** When its right to commit was last in doubt (`performance.now()`). */
  doubtedAt: number;
  /** Whether its offsets mean nothing any more, because the topic was made anew. */
  remade: boolean;
  /** Whether records that were fetched, and maybe taken, are not in the topic any more. */
  lostEnd: boolean;
}

/** A topic was made anew, or lost its end: the worker takes the partition again, as it is now. */
class Changed extends Error {}

/** Processes one partition number of all input topics, as long as this member owns it. */
export class Worker {
  readonly number: number;
  readonly #options: WorkerOptions;
  readonly #inputs: readonly Input[];
  readonly #checkpoints: Checkpoints | undefined;
  readonly #lost = new AbortController();
  #restoring = new AbortController();
  /** Resolves when the worker has ended; rejects when it cannot continue. */
  readonly ended: Promise<void>;

  /** Starts once `after`, the worker that had this number before, has ended. */
  constructor(options: WorkerOptions, after: Promise<void>) {
    this.number = options.number;
    this.#options = options;
    this.#checkpoints = Checkpoints.of(
      options.number,
      { checkpoints: options.checkpoints, from: options.topics },
      options.handlers,
    );
    this.#inputs = options.topics.map((topic) => this.#createInput(topic));
    this.ended = after.then(() => this.#run());
  }

  #createInput(topic: string): Input {
    const { handlers, retry, attempts, logger, number, committerOf } = this.#options;
    const input: Input = {
      topic,
      buffer: new PrefetchBuffer(topic, number),
      committer: committerOf(topic),
      process: createBatchProcessor({
        handlers,
        retry,
        attempts,
        logger,
        commit: async ({ records }, outputs) => {
          const last = records.at(-1);
          if (last) await this.#move(input, outputs, input.buffer.after(last));
        },
        checkpoints: this.#checkpoints,
        positions: () => new Map(this.#inputs.map((each) => [each.topic, each.position])),
      }),
      committed: undefined,
      position: 0n,
      attempted: undefined,
      isKnown: false,
      doubtedAt: Number.NEGATIVE_INFINITY,
      remade: false,
      lostEnd: false,
    };
    return input;
  }

  bufferOf(topic: string): PrefetchBuffer | undefined {
    return this.#inputs.find((input) => input.topic === topic)?.buffer;
  }

  /** The member joined the group again and kept the partition; in between another member may have had it. */
  rejoined(): void {
    for (const { committer } of this.#inputs) committer.rejoined();
  }

  /** A topic was made anew. The batch in hand is still finished; what was fetched and not taken is gone with the old topic. */
  remade(topic: string): void {
    const input = this.#inputs.find((each) => each.topic === topic);
    if (!input) return;
    input.remade = true;
    this.#restart(input, 0n);
  }

  /** As {@link remade}, but for the end of a partition only: all below `end` is what it was. */
  lostEnd(topic: string, end: bigint): void {
    const input = this.#inputs.find((each) => each.topic === topic);
    if (!input) return;
    input.lostEnd = true;
    this.#restart(input, end);
  }

  #restart({ buffer }: Input, at: bigint): void {
    buffer.restart(at);
    this.#options.fetcher.seek(buffer);
    // What is read to restore the state is of what was there before.
    this.#restoring.abort();
  }

  /** The partition was revoked: the batch in hand is given up. */
  lose(): void {
    this.#lost.abort();
  }

  async #run(): Promise<void> {
    const { logger, stopping, group } = this.#options;
    try {
      while (!stopping.aborted && !this.#lost.signal.aborted) {
        try {
          await this.#own();
        } catch (error) {
          if (error instanceof Changed) continue;
          if (!(error instanceof Fenced)) throw error;
          logger.warn({ group, partition: this.number }, error.message);
        }
      }
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
    } finally {
      if (this.#lost.signal.aborted) for (const { committer } of this.#inputs) committer.kill();
      else await Promise.all(this.#inputs.map(({ committer }) => committer.close()));
    }
  }

  /** From taking the partition to losing it. */
  async #own(): Promise<void> {
    const { handlers, number } = this.#options;
    await Promise.all(
      this.#inputs.map((input) => this.#try(input.topic, Number.POSITIVE_INFINITY, () => this.#begin(input))),
    );
    try {
      this.#checkpoints?.restart();
      await this.#restore();
      await this.#work();
    } finally {
      handlers.revoked?.(number);
    }
  }

  async #restore(): Promise<void> {
    const { handlers, historyOf, number, retry, attempts } = this.#options;
    const restoring = new AbortController();
    this.#restoring = restoring;
    this.#demandUnchanged();
    const [first] = this.#inputs;
    if (!first) return;
    const signal = AbortSignal.any([this.#lost.signal, restoring.signal]);
    const committed = new Map(this.#inputs.map(({ topic, position }) => [topic, position]));
    const history = historyOf(committed, signal);
    const task = { topic: first.topic, partition: number, signal, attempts };
    try {
      await retry(task, () => handlers.assigned?.(number, history));
    } catch (error) {
      if (error instanceof Interrupted && !this.#lost.signal.aborted) this.#demandUnchanged();
      throw error;
    }
  }

  #demandUnchanged(): void {
    if (this.#inputs.some(({ remade, lostEnd }) => remade || lostEnd)) throw new Changed();
  }

  #try<T>(topic: string, attempts: number, work: () => T | Promise<T>): Promise<T> {
    const { retry, number } = this.#options;
    return retry({ topic, partition: number, signal: this.#lost.signal, attempts }, work);
  }

  async #begin(input: Input): Promise<void> {
    const { fetcher } = this.#options;
    const { committed, low, high } = await this.#take(input);
    const isBeyond = committed !== undefined && committed > high;
    // Of the same topic, what is left below its end is done. Without ids it may be another topic, and then nothing of it is.
    if (isBeyond && !input.remade && !(await fetcher.identifyTopics())) input.remade = true;
    if (input.remade) await this.#resumeAt(input, low);
    else if (isBeyond) await this.#resumeAt(input, high);
    else {
      arrived(input, committed ?? low);
      input.committed = committed;
      input.lostEnd = false;
    }
    if (isBeyond) input.buffer.restart(input.position);
    if (input.buffer.startAt(input.position) || isBeyond) fetcher.seek(input.buffer);
    fetcher.resume(input.buffer);
  }

  /** What the group had committed is an offset of the topic, or of its end, as it was before. */
  async #resumeAt(input: Input, offset: bigint): Promise<void> {
    const { logger, group } = this.#options;
    const { remade, lostEnd } = input;
    input.remade = false;
    input.lostEnd = false;
    try {
      await this.#commit(input, [], offset);
    } catch (error) {
      input.remade ||= remade;
      input.lostEnd ||= lostEnd;
      throw error;
    }
    const about = { group, topic: input.topic, partition: this.number, offset: String(offset) };
    const lost = `${input.topic} lost records at the end of partition ${this.number}: resumed at its end`;
    if (remade) logger.info(about, 'Restarted with what the topic holds');
    else logger.warn(about, lost);
  }

  /** Fences others, and only then reads the committed offset. Never before the group has confirmed that this member owns the partition. */
  async #take(input: Input): ReturnType<WorkerOptions['committedOffset']> {
    const { topic, committer, doubtedAt } = input;
    const { fetcher, committedOffset } = this.#options;
    const { signal } = this.#lost;
    await fetcher.provenSince(doubtedAt, signal);
    try {
      signal.throwIfAborted();
      input.isKnown = false;
      await committer.fence();
      const found = await committedOffset(topic);
      input.isKnown = true;
      return found;
    } catch (error) {
      throw retryable(kafkaError(`${topic}/${this.number} cannot be taken`, error));
    }
  }

  async #work(): Promise<void> {
    const { stopping, maxBatch, fetcher } = this.#options;
    const { signal } = this.#lost;
    const done = AbortSignal.any([stopping, signal]);
    while (!done.aborted) {
      this.#demandUnchanged();
      for (const { topic, buffer, process } of this.#inputs) {
        if (buffer.empty || done.aborted) continue;
        const records = buffer.take(maxBatch, maxBatchBytes);
        fetcher.resume(buffer);
        await process({ topic, partition: this.number, records, signal });
      }
      await this.#wait(done);
    }
  }

  async #wait(done: AbortSignal): Promise<void> {
    const { changed } = this.#options.fetcher;
    const hasRecords = () => this.#inputs.some(({ buffer, remade, lostEnd }) => remade || lostEnd || !buffer.empty);
    const behind = () => this.#inputs.filter(({ buffer, position }) => buffer.empty && buffer.next > position);
    await changed.wait(done, () => hasRecords() || behind().length > 0);
    if (hasRecords() || done.aborted) return;
    const idle = new AbortController();
    const timer = setTimeout(() => idle.abort(), idleMs);
    await changed.wait(AbortSignal.any([done, idle.signal]), hasRecords);
    clearTimeout(timer);
    if (hasRecords() || done.aborted) return;
    for (const input of behind()) {
      const next = input.buffer.next;
      await this.#try(input.topic, Number.POSITIVE_INFINITY, () => this.#move(input, [], next));
    }
  }

  async #move(input: Input, outputs: readonly Output[], next: bigint): Promise<void> {
    const { committer, topic } = input;
    if (!committer.fenced || !input.isKnown) {
      const { committed } = await this.#take(input);
      // The attempt before this one went through after all.
      if (committed !== undefined && committed === input.attempted) return arrived(input, committed);
      if (committed !== input.committed) throw new Fenced(`Another member took ${topic}/${this.number}`);
    }
    await this.#commit(input, outputs, next);
  }

  async #commit(input: Input, outputs: readonly Output[], next: bigint): Promise<void> {
    const { committer, topic } = input;
    input.attempted = next;
    try {
      await committer.commit(outputs, next);
    } catch (error) {
      if (!committer.fenced) input.doubtedAt = performance.now();
      throw kafkaError(`A batch of ${topic}/${this.number} cannot be committed`, error);
    }
    arrived(input, next);
  }
}

function arrived(input: Input, at: bigint): void {
  input.committed = at;
  input.position = at;
  input.attempted = undefined;
}

/** Where a partition cannot be taken, no record is at fault. */
const retryable = (error: GaplineError): GaplineError =>
  error.retryable === true
    ? error
    : new GaplineError(error.code, error.message, { cause: error.cause, retryable: true });
