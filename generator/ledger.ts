import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The identities of accepted readings, appended to a file before anything else is made of them: after a kill the ledger has every
 * reading that the progress file calls accepted. One that was sent again stands there twice.
 */
export function createLedger(file: string | undefined) {
  let descriptor: number | undefined;
  return {
    open(): void {
      if (file === undefined) return;
      mkdirSync(dirname(file), { recursive: true });
      descriptor = openSync(file, 'a');
    },
    append(identities: readonly string[]): void {
      if (descriptor !== undefined) writeSync(descriptor, `${identities.join('\n')}\n`);
    },
    close(): void {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
