import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sleep } from '../../retry/sleep.ts';
import { isBusy } from './errors.ts';

/** How often a waiting member tries again. */
const pollMs = 200;

/** The right to be a group's working member, until it is given back or the process ends. */
export interface Lease {
  release(): void;
}

/**
 * Waits for the lease of a group: an exclusive lock on a file of its own beside the log. The operating system takes it back the moment
 * its holder dies, so there is no time to wait out after a crash, and a holder that is merely slow never loses it.
 * Resolves with undefined when the signal aborts first.
 */
export async function takeLease(file: string, group: string, signal: AbortSignal): Promise<Lease | undefined> {
  while (!signal.aborted) {
    const lease = await tryLease(file, group);
    if (lease) return lease;
    await sleep(pollMs, { signal });
  }
  return undefined;
}

/** The lease of a group, or undefined where another member has it. */
export async function tryLease(file: string, group: string): Promise<Lease | undefined> {
  const lockFile = `${file}-lease-${encodeURIComponent(group)}`;
  await mkdir(dirname(lockFile), { recursive: true });
  return tryLock(lockFile);
}

function tryLock(lockFile: string): Lease | undefined {
  const db = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
    return { release: () => db.close() };
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
