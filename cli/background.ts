import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeError, isRetryable } from '../core/wire/errors.ts';
import type { Startable } from './run.ts';

export interface Background extends Startable {
  /** Resolves once the part has started; rejects where it never will. */
  readonly started: Promise<void>;
}

const betweenTriesMs = 1_000;
const momentMs = 3_000;

/**
 * Gives a part a moment to start. Where that is not enough others begin already, and must get on without it for as long as it takes; it is
 * tried again and again.
 */
export function inBackground(part: Startable, logger: Logger): Background {
  const started = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  let stopped = false;
  for (const promise of [started.promise, failed.promise]) promise.catch(() => {});

  async function tryToStart(): Promise<void> {
    while (!stopped) {
      try {
        return await part.start();
      } catch (error) {
        if (stopped || !isRetryable(error)) throw error;
        logger.warn(`${describeError(error)}; trying again`);
        await sleep(betweenTriesMs);
      }
    }
  }

  return {
    started: started.promise,
    failed: failed.promise,
    async start() {
      tryToStart().then(started.resolve, (error: unknown) => {
        started.reject(error);
        if (!stopped) failed.reject(error);
      });
      await Promise.race([started.promise, sleep(momentMs)]);
    },
    stop() {
      stopped = true;
      return part.stop();
    },
  };
}

/** A part that is started once another one has. */
export const after = ({ started }: Background, part: Startable): Startable => ({
  async start() {
    await started;
    await part.start();
  },
  stop: () => part.stop(),
  ...(part.failed && { failed: part.failed }),
});
