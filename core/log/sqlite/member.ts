import type { Backoff } from '../../retry/backoff.ts';
import { GaplineError } from '../../wire/errors.ts';
import { type BatchProcessor, createBatchProcessor, Fenced } from '../batch-processor.ts';
import type { Batch, History, Output, PipeHandlers, PipeOptions, Running } from '../port.ts';
import { createRetryPolicy, Interrupted, type RetryPolicy } from '../retry-policy.ts';
import { logError } from './database.ts';
import { type Share, type SqliteEngine, share, sizeOfAll } from './engine.ts';
import { takeLease } from './lease.ts';
import type { Partition } from './topics.ts';

/** A batch ends with the record that takes it past this. */
const maxBatchBytes = 4 << 20;
/** How long one attempt to commit waits for another process that writes. */
const commitMs = 5_000;

export interface MemberOptions extends PipeOptions {
  readonly engine: SqliteEngine;
  readonly handlers: PipeHandlers;
  readonly backoff: Backoff;
  /** How long `stop` waits for the batches in hand. */
  readonly graceMs: number;
}

/** One input of a worker: a partition and how far the group has come in it. */
interface Input {
  readonly partition: Partition;
  next: bigint;
}

/**
 * A member of a group. It waits for the lease, and then works on all partition numbers side by side: within one, the input topics take
 * turns, batch by batch.
 */
export function startMember(options: MemberOptions): Running {
  const { engine, group, graceMs } = options;
  const stopping = new AbortController();
  const aborting = new AbortController();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const lease = await takeLease(engine.file, group, stopping.signal);
      if (!lease) return;
      try {
        await work(options, stopping.signal, aborting.signal);
      } catch (error) {
        if (!(error instanceof Fenced)) throw error;
        engine.logger.warn({ group }, error.message);
      } finally {
        lease.release();
      }
    }
  }

  const running = run().catch((error) => fail(logError(engine.file, error)));
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    const timer = setTimeout(() => aborting.abort(), graceMs);
    await running;
    clearTimeout(timer);
  };
  return {
    failed,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Works under the lease until told to stop; rejects once one partition cannot go on, after all have ended. */
async function work(options: MemberOptions, stopping: AbortSignal, aborting: AbortSignal): Promise<void> {
  const { engine, from, group, handlers, backoff } = options;
  const inputs = from.map((topic) => engine.topics.partitions(topic));
  const ending = new AbortController();
  const signals = {
    stopping: AbortSignal.any([stopping, ending.signal]),
    signal: AbortSignal.any([aborting, ending.signal]),
  };
  const retry = createRetryPolicy({
    group,
    logger: engine.logger,
    stopping: signals.stopping,
    stalled: handlers.stalled && ((stall) => handlers.stalled?.(stall)),
    backoff,
  });
  const workers = Array.from({ length: inputs[0]?.length ?? 0 }, (_, number) => {
    const mine = inputs.map((partitions) => partitions[number]!);
    return workOn(number, mine, { ...options, ...signals, retry }).catch((error) => {
      ending.abort();
      throw error;
    });
  });
  const failures = (await Promise.allSettled(workers)).flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !(error instanceof Fenced)) ?? failures[0];
}

interface WorkerOptions extends MemberOptions {
  readonly stopping: AbortSignal;
  readonly signal: AbortSignal;
  readonly retry: RetryPolicy;
}

async function workOn(number: number, partitions: readonly Partition[], options: WorkerOptions): Promise<void> {
  const { engine, group, handlers, retry, signal, stopping } = options;
  const { maxBatch = 5_000, attempts = 5 } = options;
  const inputs: Input[] = partitions.map((partition) => ({
    partition,
    next: engine.offsets.of(group, partition) ?? 0n,
  }));
  const pump: BatchProcessor = createBatchProcessor({
    handlers,
    retry,
    attempts,
    commit: (batch, outputs) =>
      commit(options, inputs.find(({ partition }) => partition.topic === batch.topic)!, batch, outputs),
  });
  const { topic } = partitions[0]!;
  try {
    const history = pastOf(options, inputs);
    await retry({ topic, partition: number, signal, attempts }, () => handlers.assigned?.(number, history));
    while (!stopping.aborted) {
      for (const input of inputs) {
        const { partition, next } = input;
        const range = { from: next, to: engine.ends.of(partition.id), maxRecords: maxBatch, maxBytes: maxBatchBytes };
        if (range.to <= next || stopping.aborted) continue;
        const records = engine.records.read(partition, range);
        if (records.length === 0)
          throw new GaplineError('log-corrupt', `${engine.file}: ${topic} lacks records from ${next} on`);
        await pump({ topic: partition.topic, partition: number, records, signal });
      }
      await engine.ends.until(stopping, () =>
        inputs.some(({ partition, next }) => engine.ends.of(partition.id) > next),
      );
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    handlers.revoked?.(number);
  }
}

/** Outputs and offset in one transaction, which fails where another member has moved the offset. */
async function commit(
  { engine, group }: MemberOptions,
  input: Input,
  batch: Batch,
  outputs: readonly Output[],
): Promise<void> {
  const { partition, next } = input;
  const to = batch.records.at(-1)!.offset + 1n;
  const shares: Share[] = [];
  for (const [topic, records] of Map.groupBy(outputs, ({ topic }) => topic)) {
    shares.push(...share(engine.topics.partitions(topic), records, engine.partitionOf));
  }
  await engine.writer.submit({
    bytes: sizeOfAll(outputs),
    deadline: performance.now() + commitMs,
    run() {
      if (!engine.offsets.advance(group, partition, next, to)) {
        throw new Fenced(`Another member of ${group} took ${batch.topic}/${batch.partition}`);
      }
      for (const { partition, records } of shares) engine.records.append(partition.id, records);
    },
  });
  input.next = to;
}

function pastOf({ engine, maxBatch = 5_000 }: MemberOptions, inputs: readonly Input[]): History {
  return {
    async *since(sinceMs) {
      for (const { partition, next: to } of inputs) {
        const { first } = engine.topics.extent(partition.id);
        let from = engine.records.firstSince(partition.id, sinceMs, { from: first, to });
        while (from < to) {
          const records = engine.records.read(partition, { from, to, maxRecords: maxBatch, maxBytes: maxBatchBytes });
          if (records.length === 0) break;
          from = records.at(-1)!.offset + 1n;
          yield records;
        }
      }
    },
  };
}
