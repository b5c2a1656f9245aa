import { GaplineError } from '../../wire/errors.ts';
import { type BatchProcessor, createBatchProcessor, Fenced } from '../batch-processor.ts';
import { Checkpoints, type CheckpointWrite } from '../checkpoint.ts';
import type { Batch, Output, PipeHandlers, PipeOptions } from '../port.ts';
import { Interrupted, type RetryPolicy } from '../retry-policy.ts';
import { type SqliteEngine, share, sizeOfAll } from './engine.ts';
import { historyOf } from './history.ts';
import { endOf } from './records.ts';
import type { Partition } from './topics.ts';

/** A batch ends with the record that takes it past this. */
const maxBatchBytes = 4 << 20;
/** How long one attempt to commit waits for another process that writes. */
const commitMs = 5_000;

export interface WorkerOptions extends PipeOptions {
  readonly engine: SqliteEngine;
  readonly handlers: PipeHandlers;
  readonly retry: RetryPolicy;
  /** Aborted when no new batch may start. */
  readonly stopping: AbortSignal;
  /** Aborted when the batch in hand must end, too. */
  readonly signal: AbortSignal;
}

/** One input of a worker: a partition and how far the group has come in it. */
interface Input {
  readonly partition: Partition;
  next: bigint;
  readonly process: BatchProcessor;
}

/** Processes one partition number of all input topics, batch by batch in turn, until told to stop. */
export async function runWorker(
  number: number,
  partitions: readonly Partition[],
  options: WorkerOptions,
): Promise<void> {
  const { engine, handlers, retry, signal, stopping, attempts = 5, maxBatch = 5_000 } = options;
  const checkpoints = Checkpoints.of(number, options, handlers);
  const inputs: Input[] = [];
  for (const partition of partitions) inputs.push(createInput(partition, inputs, checkpoints, options));
  const [first] = inputs;
  if (!first) return;
  try {
    const history = historyOf(engine, {
      ...{ partition: number, inputs, maxRecords: maxBatch, checkpoints: options.checkpoints },
    });
    const task = { topic: first.partition.topic, partition: number, signal, attempts };
    await retry(task, () => handlers.assigned?.(number, history));
    while (!stopping.aborted) {
      for (const input of inputs) {
        if (!stopping.aborted) await processNext(input, options);
      }
      await engine.ends.wait(stopping, () => inputs.some(({ partition, next }) => engine.ends.of(partition.id) > next));
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    handlers.revoked?.(number);
  }
}

/** @param inputs - all of the partition number, once they are made */
function createInput(
  partition: Partition,
  inputs: readonly Input[],
  checkpoints: Checkpoints | undefined,
  options: WorkerOptions,
): Input {
  const { engine, group, handlers, retry, attempts = 5 } = options;
  const input: Input = {
    partition,
    next: engine.offsets.of(group, partition) ?? 0n,
    process: createBatchProcessor({
      handlers,
      retry,
      attempts,
      logger: engine.logger,
      commit: (batch, outputs, checkpoint) => commit(options, inputs, input, { batch, outputs, checkpoint }),
      checkpoints,
      positions: () => new Map(inputs.map((each) => [each.partition.topic, each.next])),
    }),
  };
  return input;
}

async function processNext({ partition, next, process }: Input, options: WorkerOptions): Promise<void> {
  const { engine, signal, maxBatch = 5_000 } = options;
  const to = engine.ends.of(partition.id);
  if (to <= next) return;
  const records = engine.records.read(partition, { from: next, to, maxRecords: maxBatch, maxBytes: maxBatchBytes });
  if (records.length === 0) {
    throw new GaplineError('log-corrupt', `${engine.file}: ${partition.topic} lacks records from ${next} on`);
  }
  await process({ topic: partition.topic, partition: partition.number, records, signal });
}

interface Written {
  readonly batch: Batch;
  /** With the records of the checkpoint. */
  readonly outputs: readonly Output[];
  readonly checkpoint: CheckpointWrite | undefined;
}

/** Outputs and offset in one transaction, which fails where another member has moved the offset. */
async function commit(
  { engine, group }: WorkerOptions,
  inputs: readonly Input[],
  input: Input,
  { batch, outputs, checkpoint }: Written,
): Promise<void> {
  const { partition, next } = input;
  const to = endOf(batch.records, next);
  const shares = [...Map.groupBy(outputs, ({ topic }) => topic)].flatMap(([topic, records]) =>
    share(engine.topics.partitions(topic), records, engine.partitionOf),
  );
  await engine.writer.submit({
    bytes: sizeOfAll(outputs),
    deadline: performance.now() + commitMs,
    run() {
      if (!engine.offsets.advance(group, partition, next, to)) {
        throw new Fenced(`Another member of ${group} took ${batch.topic}/${batch.partition}`);
      }
      for (const { partition, records } of shares) engine.records.append(partition.id, records);
      if (!checkpoint) return;
      for (const { partition } of inputs)
        engine.offsets.hold(group, partition, checkpoint.positions?.get(partition.topic));
    },
  });
  input.next = to;
}
