import type { Backoff } from '../../retry/backoff.ts';
import { Fenced } from '../batch-processor.ts';
import type { PipeHandlers, PipeOptions, Running } from '../port.ts';
import { createRetryPolicy } from '../retry-policy.ts';
import type { SqliteEngine } from './engine.ts';
import { logError } from './errors.ts';
import { takeLease } from './lease.ts';
import { runWorker } from './worker.ts';

export interface MemberOptions extends PipeOptions {
  readonly engine: SqliteEngine;
  readonly handlers: PipeHandlers;
  readonly backoff: Backoff;
  /** How long `stop` waits for the batches in hand. */
  readonly graceMs: number;
}

/** A member of a group. It waits for the lease, and then runs one worker for each partition number. */
export function startMember(options: MemberOptions): Running {
  const { engine, group, graceMs } = options;
  const stopping = new AbortController();
  const aborting = new AbortController();
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const lease = await takeLease(engine.file, group, stopping.signal);
      if (!lease) return;
      try {
        await runWorkers(options, stopping.signal, aborting.signal);
      } catch (error) {
        if (!(error instanceof Fenced)) throw error;
        engine.logger.warn({ group }, error.message);
      } finally {
        lease.release();
      }
    }
  }

  const running = run().catch((error) => failure.reject(logError(engine.file, error)));
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    const timer = setTimeout(() => aborting.abort(), graceMs);
    await running;
    clearTimeout(timer);
  };
  return {
    failed: failure.promise,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Runs the workers under the lease until told to stop. Rejects once one of them cannot continue, after all have ended. */
async function runWorkers(options: MemberOptions, stopping: AbortSignal, aborting: AbortSignal): Promise<void> {
  const { engine, from, group, handlers, backoff } = options;
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
  const partitions = from.flatMap((topic) => engine.topics.partitions(topic));
  const workers = [...Map.groupBy(partitions, ({ number }) => number)].map(([number, own]) =>
    runWorker(number, own, { ...options, ...signals, retry }).catch((error) => {
      ending.abort();
      throw error;
    }),
  );
  const failures = (await Promise.allSettled(workers)).flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !(error instanceof Fenced)) ?? failures[0];
}
