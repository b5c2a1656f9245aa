import type { Backoff } from '../../retry/backoff.ts';
import type { PipeHandlers, PipeOptions, Running } from '../port.ts';
import { createRetryPolicy } from '../retry-policy.ts';
import { coPartitioning } from './assigner.ts';
import { type Committer, PlainCommitter, TransactionalCommitter } from './committer.ts';
import type { KafkaEngine } from './engine.ts';
import { Fetcher } from './fetcher.ts';
import { historyOf } from './reader.ts';
import { Worker } from './worker.ts';

export interface MemberOptions extends PipeOptions {
  readonly engine: KafkaEngine;
  readonly handlers: PipeHandlers;
  readonly backoff: Backoff;
  /** How long `stop` waits for the batches in hand. */
  readonly graceMs: number;
  /** Whether outputs and offsets commit together; else outputs come first. */
  readonly transactional: boolean;
}

/** Starts a member of a group: one worker for each partition number that the group gives it. */
export async function startMember(options: MemberOptions): Promise<Running> {
  const { engine, from, group, handlers, backoff, graceMs } = options;
  const { logger, sessionTimeoutMs } = engine;
  const workers = new Map<number, Worker>();
  /** Those that lost their number and have not ended yet, by number. */
  const leaving = new Map<number, Promise<void>>();
  const stopping = new AbortController();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  const client = await engine.connect('consumer');
  const fetcher: Fetcher = new Fetcher({
    client,
    group,
    topics: from,
    assigner: (protocol) => coPartitioning(protocol, () => [...workers.keys()]),
    sessionTimeoutMs,
    logger,
    bufferOf: (topic, partition) => workers.get(partition)?.bufferOf(topic),
    assigned: (partitions) => assign(new Set(Object.values(partitions).flat())),
    failed: fail,
  });
  const stalled =
    handlers.stalled && ((stall: Parameters<NonNullable<PipeHandlers['stalled']>>[0]) => handlers.stalled?.(stall));
  const retry = createRetryPolicy({ group, logger, stopping: stopping.signal, stalled, backoff });

  function assign(numbers: ReadonlySet<number>): void {
    if (stopping.signal.aborted) return;
    for (const [number, worker] of workers) {
      if (numbers.has(number)) worker.rejoined();
      else lose(worker);
    }
    for (const number of numbers) {
      if (!workers.has(number)) workers.set(number, work(number));
    }
  }

  function lose(worker: Worker): void {
    const { number } = worker;
    worker.lose();
    workers.delete(number);
    const gone = worker.ended.catch(() => {}).then(() => void (leaving.get(number) === gone && leaving.delete(number)));
    leaving.set(number, gone);
  }

  function work(number: number): Worker {
    const { attempts = 5, maxBatch = 5_000 } = options;
    const after = leaving.get(number) ?? Promise.resolve();
    const worker = new Worker(
      {
        ...{ number, topics: from, group, handlers, retry, attempts, maxBatch, logger, fetcher },
        stopping: stopping.signal,
        committerOf: (topic) => committer(options, fetcher, { group, topic, partition: number }),
        committedOffset: (topic) => committedOffset(engine, { group, topic, partition: number }),
        historyOf: (inputs, signal) => historyOf(engine, number, inputs, signal),
      },
      after,
    );
    worker.ended.catch(fail);
    return worker;
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const all = [...workers.values()];
    const timer = setTimeout(() => all.forEach((worker) => void worker.lose()), graceMs);
    await Promise.allSettled([...all.map(({ ended }) => ended), ...leaving.values()]);
    clearTimeout(timer);
    await fetcher.stop();
  }

  await fetcher.start().catch((error) => {
    client.kill();
    throw error;
  });
  let stopped: Promise<void> | undefined;
  return {
    failed,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

type Place = { readonly group: string; readonly topic: string; readonly partition: number };

function committer({ engine, transactional }: MemberOptions, fetcher: Fetcher, place: Place): Committer {
  if (transactional) return new TransactionalCommitter({ ...engine, ...place });
  const commitOffset = (place: Place, next: bigint) => fetcher.commitOffset(place, next);
  return new PlainCommitter({ ...place, writer: engine.writer, commitOffset });
}

async function committedOffset({ admin }: KafkaEngine, { group, topic, partition }: Place) {
  const committed = (await admin.committed(group, topic)).get(partition);
  if (committed !== undefined) return { committed, low: committed };
  const extents = await admin.extents(topic);
  return { committed, low: extents.find((extent) => extent.partition === partition)?.low ?? 0n };
}
