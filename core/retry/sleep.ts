import { setTimeout as timer } from 'node:timers/promises';

export interface SleepOptions {
  /** Ends the sleep early. */
  readonly signal?: AbortSignal;
  /** False lets the process exit meanwhile. Default true. */
  readonly ref?: boolean;
}

/** Resolves after `ms` milliseconds, or as soon as the signal aborts; it never rejects, so look at the signal afterwards. */
export async function sleep(ms: number, options: SleepOptions = {}): Promise<void> {
  // Only the signal can make the timer reject.
  await timer(ms, undefined, options).catch(() => {});
}
