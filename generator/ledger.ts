import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { explainFileError } from '../core/files/fault.ts';
import { untilRoom } from './until-room.ts';

/**
 * The identities of accepted readings, appended to a file before anything else is made of them: after a kill the ledger has every
 * reading that the progress file calls accepted. One that was sent again stands there twice.
 */
export function createLedger(file: string | undefined, logger: Logger) {
  let descriptor: number | undefined;
  /** Appends of workers follow each other: one that waits for room has written half a line, perhaps. */
  let before: Promise<void> = Promise.resolve();

  async function write(bytes: Buffer, signal: AbortSignal): Promise<void> {
    let written = 0;
    await untilRoom(
      () => {
        try {
          while (descriptor !== undefined && written < bytes.length) written += writeSync(descriptor, bytes, written);
        } catch (error) {
          throw explainFileError(error, file) ?? error;
        }
      },
      logger,
      signal,
    );
  }

  return {
    /** @throws {GaplineError} `file-unusable` where it cannot be opened. */
    open(): void {
      if (file === undefined) return;
      try {
        mkdirSync(dirname(file), { recursive: true });
        descriptor = openSync(file, 'a');
      } catch (error) {
        throw explainFileError(error, file) ?? error;
      }
    },
    append(identities: readonly string[], signal: AbortSignal): Promise<void> {
      if (descriptor === undefined) return before;
      const bytes = Buffer.from(`${identities.join('\n')}\n`);
      const appended = before.then(() => write(bytes, signal));
      before = appended.catch(() => {});
      return appended;
    },
    close(): void {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
