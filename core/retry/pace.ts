import { performance } from 'node:perf_hooks';
import { sleep } from './sleep.ts';

/** The share of the time that background work takes while the event loop has no time to spare. */
const leastShare = 0.03;
/** The share that it takes while the event loop has nothing else to do. */
const mostShare = 0.25;

/** Waits after some work, so that the work takes a small share of the time. */
export type Pace = (workedMs: number) => Promise<void>;

/**
 * Makes the pace of work that can wait: it takes up to a quarter of the time while the process is idle, 3 % while it is busy.
 * The waits end when the signal aborts, and keep no process alive.
 */
export function createPace(signal: AbortSignal): Pace {
  let last = performance.eventLoopUtilization();
  return async (workedMs) => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    // Squared: a process that is half busy may share its processors with others, whom its event loop does not show.
    const share = Math.max(leastShare, (1 - utilization) ** 2 * mostShare);
    await sleep(workedMs * (1 / share - 1), { signal, ref: false });
  };
}
