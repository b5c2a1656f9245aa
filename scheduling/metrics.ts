import { Counter, Gauge, type Registry } from 'prom-client';

/** How a run ended. */
export type RunResult = 'succeeded' | 'failed' | 'stopped' | 'lost';

/** The schedule's metrics for Prometheus, and the same as counters of its status. */
export function createMetrics(registry: Registry) {
  const registers = [registry];
  const runs = new Counter({
    name: 'gapline_schedule_runs_total',
    help: 'Runs that ended, by how: succeeded, failed, stopped, lost',
    labelNames: ['result'],
    registers,
  });
  const overlaps = new Counter({
    name: 'gapline_schedule_overlaps_total',
    help: 'Times at which a run was due while the one before still ran; it was left out',
    registers,
  });
  const running = new Gauge({ name: 'gapline_schedule_running', help: 'Whether a run is under way', registers });
  const seconds = new Gauge({
    name: 'gapline_schedule_last_run_seconds',
    help: 'How long the last run took',
    registers,
  });
  const success = new Gauge({
    name: 'gapline_schedule_last_success_timestamp_seconds',
    help: 'When the last run that succeeded ended, in seconds since the epoch',
    registers,
  });
  const counters = { succeeded: 0, failed: 0, stopped: 0, lost: 0, overlaps: 0 };
  for (const result of ['succeeded', 'failed', 'stopped', 'lost']) runs.inc({ result }, 0);
  return {
    counters: () => ({ ...counters }),
    began: () => running.set(1),
    ended(result: RunResult, tookMs?: number): void {
      running.set(0);
      runs.inc({ result });
      counters[result] += 1;
      if (tookMs !== undefined) seconds.set(tookMs / 1_000);
      if (result === 'succeeded') success.set(Date.now() / 1_000);
    },
    overlapped(): void {
      overlaps.inc();
      counters.overlaps += 1;
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
