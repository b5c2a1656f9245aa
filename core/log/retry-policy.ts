import type { Logger } from 'pino';
import { type Backoff, backoffMs } from '../retry/backoff.ts';
import { sleep } from '../retry/sleep.ts';
import { describeError, isRetryable } from '../wire/errors.ts';
import type { Stall } from './port.ts';

/** Thrown in place of an outcome when the partition was revoked or the consumer stops: nothing was committed. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted: nothing was committed');
    this.name = 'Interrupted';
  }
}

export const defaultBackoff: Backoff = { firstMs: 100, maxMs: 30_000 };

export interface RetryPolicyOptions {
  readonly group: string;
  readonly logger: Logger;
  /** Once aborted, a failed attempt is not repeated. */
  readonly stopping: AbortSignal;
  readonly stalled: ((stall: Stall) => void) | undefined;
  readonly backoff: Backoff;
}

/** What a piece of work belongs to, and how often it is attempted. */
export interface RetryTask {
  readonly topic: string;
  readonly partition: number;
  /** Ends the task at once when aborted, even while the work is running. */
  readonly signal: AbortSignal;
  /** Attempts before an error counts as permanent that does not state whether it is retryable. */
  readonly attempts: number;
}

/**
 * Repeats work until it succeeds: without end while its error is retryable, `attempts` times where the error does not state that, and
 * once where the error is permanent. Each failed attempt is logged and passed to `stalled`.
 * Rejects with the permanent error, or with {@link Interrupted}.
 */
export type RetryPolicy = <T>(task: RetryTask, work: () => T | Promise<T>) => Promise<T>;

export function createRetryPolicy({ group, logger, stopping, stalled, backoff }: RetryPolicyOptions): RetryPolicy {
  return async (task, work) => {
    const { topic, partition, signal } = task;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await unlessAborted(signal, work);
        if (attempt > 1) logger.info({ group, topic, partition, attempt }, 'Resumed after a stall');
        return result;
      } catch (error) {
        if (signal.aborted || error instanceof Interrupted) throw new Interrupted();
        const retryable = isRetryable(error) ?? attempt < task.attempts;
        if (!retryable) throw error;
        const nextTryMs = backoffMs(backoff, attempt);
        logger.warn({ group, topic, partition, attempt, nextTryMs }, `Stalled: ${describeError(error)}`);
        stalled?.({ topic, partition, error, attempt, nextTryMs });
        await pause(nextTryMs, AbortSignal.any([signal, stopping]));
      }
    }
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, { signal });
  if (signal.aborted) throw new Interrupted();
}

/** Settles with the work, or rejects as soon as the signal aborts. The work may still be running then; its outcome is ignored. */
async function unlessAborted<T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
  if (signal.aborted) throw new Interrupted();
  const result = work();
  if (!(result instanceof Promise)) return result;
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(new Interrupted());
    signal.addEventListener('abort', abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
