import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeError, isRetryable } from '../wire/errors.ts';
import type { Stall } from './port.ts';

/** Thrown in place of an outcome when the partition was taken away or the consumer stops: nothing was committed. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted: nothing was committed');
    this.name = 'Interrupted';
  }
}

/** How long to wait between attempts: `firstMs`, twice that, and so on up to `maxMs`, each give or take a fifth. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const defaultBackoff: Backoff = { firstMs: 100, maxMs: 30_000 };

export interface PatienceOptions {
  readonly group: string;
  readonly logger: Logger;
  /** Once aborted, what fails is not tried again. */
  readonly stopping: AbortSignal;
  readonly stalled: ((stall: Stall) => void) | undefined;
  readonly backoff: Backoff;
}

/** One thing to be tried until it works. */
export interface Trial {
  readonly topic: string;
  readonly partition: number;
  /** Gives up at once when aborted, whatever is under way. */
  readonly signal: AbortSignal;
  /** Tries before an error that says nothing of a retry counts as permanent. */
  readonly attempts: number;
}

/**
 * Tries until it works: for ever while the error says that it is retryable, `attempts` times when it does not say, once when it is
 * permanent. Each failed attempt is logged and told to `stalled`.
 * Rejects with the permanent error, or with {@link Interrupted}.
 */
export type Patience = <T>(trial: Trial, work: () => T | Promise<T>) => Promise<T>;

export function createPatience({ group, logger, stopping, stalled, backoff }: PatienceOptions): Patience {
  return async (trial, work) => {
    const { topic, partition, signal } = trial;
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await unlessAborted(signal, work);
        if (attempt > 1) logger.info({ group, topic, partition, attempt }, 'Going on after a stall');
        return result;
      } catch (error) {
        if (signal.aborted || error instanceof Interrupted) throw new Interrupted();
        const retryable = isRetryable(error) ?? attempt < trial.attempts;
        if (!retryable) throw error;
        const nextTryMs = delayMs(backoff, attempt);
        logger.warn({ group, topic, partition, attempt, nextTryMs }, `Stalled: ${describeError(error)}`);
        stalled?.({ topic, partition, error, attempt, nextTryMs });
        await pause(nextTryMs, AbortSignal.any([signal, stopping]));
      }
    }
  };
}

/** How long to wait after the given failed attempt, counted from 1. */
export function delayMs({ firstMs, maxMs }: Backoff, attempt: number): number {
  const plain = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(plain * (0.8 + 0.4 * Math.random()));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Interrupted();
  }
}

/** Settles with the work or, as soon as the signal aborts, rejects. The work itself may go on; nobody looks at it any more. */
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
