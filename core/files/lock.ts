import { DatabaseSync } from 'node:sqlite';
import { isBusy } from '../wire/sqlite-code.ts';

/** A file that this process alone holds, until it is given back or the process ends. */
export interface Lock {
  release(): void;
}

/**
 * An exclusive lock on a file, which is made if it is missing; undefined where another holder has it. The operating system takes it back
 * the moment its holder dies, so there is no time to wait out after a crash, and a holder that is merely slow never loses it.
 */
export function tryLock(file: string): Lock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
