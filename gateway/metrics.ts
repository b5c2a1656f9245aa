import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type TaskKind, type TaskState, taskKinds, type Unfinished } from './tasks/tasks.ts';

/** What is looked at when metrics are asked for. */
export interface Watched {
  unfinished(kind: TaskKind): Unfinished;
  readonly hashesWaiting: number;
}

/** The gateway's metrics for Prometheus. @param watched - undefined while nothing is open */
export function createMetrics(registry: Registry, watched: () => Watched | undefined) {
  const registers = [registry];
  const requests = new Counter({
    name: 'gapline_gateway_requests_total',
    help: 'Requests by operation and status',
    labelNames: ['operation', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'gapline_gateway_request_seconds',
    help: 'Seconds from the head of a request to the end of its response, by operation',
    labelNames: ['operation'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers,
  });
  const ended = new Counter({
    name: 'gapline_gateway_tasks_ended_total',
    help: 'Tasks that are over, by kind and state',
    labelNames: ['kind', 'state'],
    registers,
  });
  new Gauge({
    name: 'gapline_gateway_tasks',
    help: 'Tasks that are queued or running, by kind',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      const now = watched();
      for (const kind of now ? taskKinds : [])
        for (const [state, tasks] of Object.entries(now?.unfinished(kind) ?? {})) this.set({ kind, state }, tasks);
    },
  });
  new Gauge({
    name: 'gapline_gateway_hashes_waiting',
    help: 'Passwords that wait to be hashed; beyond 16 sign-ins are refused',
    registers,
    collect() {
      this.set(watched()?.hashesWaiting ?? 0);
    },
  });
  const lost = new Counter({
    name: 'gapline_gateway_audit_failures_total',
    help: 'Lines of the audit that app.log did not take',
    registers,
  });
  return {
    responded(operation: string, status: number, took: number): void {
      requests.inc({ operation, status: String(status) });
      seconds.observe({ operation }, took);
    },
    taskEnded: (kind: TaskKind, state: TaskState) => ended.inc({ kind, state }),
    auditFailed: () => lost.inc(),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
