import { performance } from 'node:perf_hooks';
import { sleep } from './sleep.ts';

/** What background work may take of the processor time that the process uses. */
const shareOfBusy = 0.01;
/** What it may take of the time while the event loop has nothing else to do. */
const shareOfIdle = 0.25;

/** Waits after some work, so that the work takes a small share of the time. */
export type Pace = (workedMs: number) => Promise<void>;

/** Does not wait: for tests and measurements, where nothing else has to be done meanwhile. */
export const atOnce: Pace = async () => {};

/**
 * Makes the pace of work that can wait: it takes up to a quarter of the time while the process is idle, and 1 % of its processor time
 * while it is busy, however little the machine gives it. The waits end when the signal aborts, and keep no process alive.
 */
export function createPace(signal: AbortSignal): Pace {
  const earned = createEarnings();
  let owedMs = 0;
  return async (workedMs) => {
    owedMs += workedMs;
    while (owedMs > 0 && !signal.aborted) {
      await sleep(Math.max(1, workedMs / shareOfIdle), { signal, ref: false });
      owedMs -= earned();
    }
    // Idle time is not saved up for a burst.
    owedMs = Math.max(0, owedMs);
  };
}

/** Makes a function that returns how much work has become due since it was called last, in milliseconds. */
function createEarnings(): () => number {
  let [lastLoop, lastCpu, lastMs] = [performance.eventLoopUtilization(), process.cpuUsage(), performance.now()];
  return () => {
    const [loop, cpu, nowMs] = [performance.eventLoopUtilization(), process.cpuUsage(), performance.now()];
    const { utilization } = performance.eventLoopUtilization(loop, lastLoop);
    const busyMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1_000;
    // A process that is half busy may share its processors with others, whom its event loop does not show: it counts as busy.
    const idleMs = (nowMs - lastMs) * (1 - utilization) ** 4;
    [lastLoop, lastCpu, lastMs] = [loop, cpu, nowMs];
    return shareOfBusy * busyMs + shareOfIdle * idleMs;
  };
}
