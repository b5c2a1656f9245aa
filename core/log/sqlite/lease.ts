import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Lock, tryLock } from '../../files/lock.ts';
import { sleep } from '../../retry/sleep.ts';

/** How often a waiting member tries again. */
const pollMs = 200;

/** The right to be a group's working member, until it is given back or the process ends. */
export type Lease = Lock;

/**
 * Waits for the lease of a group: the lock of a file of its own beside the log.
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
