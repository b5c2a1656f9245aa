import type { Logger } from 'pino';
import { sleep } from '../../retry/sleep.ts';
import { describeError, GaplineError } from '../../wire/errors.ts';
import { isPassing, kafkaErrorType } from './errors.ts';

const betweenAttemptsMs = 1_000;

/**
 * Repeats what a stage needs of Kafka when it starts, for as long as Kafka cannot be reached: a stage that ended for that would need
 * somebody to start it again. Rejects with any other error at once, and with this one once the signal aborts.
 */
export async function whileUnavailable<T>(
  { signal, logger, pauseMs = betweenAttemptsMs }: { signal: AbortSignal; logger: Logger; pauseMs?: number },
  work: () => Promise<T>,
): Promise<T> {
  for (let warned = false; ; warned = true) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || signal.aborted) throw error;
      if (!warned) logger.warn(`${describeError(error)}; trying again`);
      await sleep(pauseMs, { signal });
      if (signal.aborted) throw error;
    }
  }
}

/** Most errors that Kafka names do not pass by themselves, such as a denied access or a refused configuration. */
const mayPass = (error: unknown): boolean =>
  error instanceof GaplineError &&
  error.code === 'log-unavailable' &&
  error.retryable === true &&
  (kafkaErrorType(error) === undefined || isPassing(error));
