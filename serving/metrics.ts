import { Counter, Histogram, type Registry } from 'prom-client';

/** The server's metrics for Prometheus. */
export function createMetrics(registry: Registry) {
  const registers = [registry];
  const rows = new Counter({ name: 'gapline_serving_rows_total', help: 'Rows that were predicted', registers });
  const failures = new Counter({
    name: 'gapline_serving_failures_total',
    help: 'Requests that got an error, by status',
    labelNames: ['status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'gapline_serving_predict_seconds',
    help: 'Seconds that the model takes for one request',
    buckets: [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  return {
    inferred(count: number, took: number): void {
      rows.inc(count);
      seconds.observe(took);
    },
    failed: (status: number) => failures.inc({ status: String(status) }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
