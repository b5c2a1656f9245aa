import type { Logger } from 'pino';
import { sleep } from '../core/retry/sleep.ts';
import { describeError, type ErrorCode, GaplineError } from '../core/wire/errors.ts';

const againMs = 1_000;

/** Why a file cannot be written for now: its disk is full, or was made read-only. */
export const refusalsOfDisk: readonly ErrorCode[] = ['disk-full', 'file-unusable'];

/**
 * Does what writes a file, again and again while the disk refuses it: there may be room again.
 * @throws whatever else `write` throws, and an `AbortError` when the signal aborts
 */
export async function untilRoom(write: () => void, logger: Logger, signal: AbortSignal): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof GaplineError && refusalsOfDisk.includes(error.code))) throw error;
      if (!told) logger.warn(`no readings are sent for now: ${describeError(error)}`);
      await sleep(againMs, { signal });
      signal.throwIfAborted();
    }
  }
}
