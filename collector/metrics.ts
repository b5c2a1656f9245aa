import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SpoolSize } from './spool.ts';

/** The two ways in. */
export type Door = 'readings' | 'line-protocol';

/** What is looked at when metrics are asked for. */
export interface Observed {
  waitingBytes(): number;
  spool(): SpoolSize | undefined;
  /** Readings that go out of the spool, a second. */
  drainedPerSecond(): number;
  nowMs(): number;
}

/** What the collector counts: in the registry for Prometheus, and in {@link counters} for its status report. */
export function createCollectorMetrics(registry: Registry, observed: Observed) {
  const registers = [registry];
  const requests = new Counter({
    name: 'gapline_collector_requests_total',
    help: 'Requests by door and status',
    labelNames: ['door', 'status'] as const,
    registers,
  });
  const accepted = new Counter({
    name: 'gapline_collector_readings_accepted_total',
    help: 'Readings that were acknowledged',
    labelNames: ['door'] as const,
    registers,
  });
  const ignored = new Counter({
    name: 'gapline_collector_ignored_fields_total',
    help: 'Fields of line protocol that the stream does not know or that are no numbers',
    registers,
  });
  const appends = new Histogram({
    name: 'gapline_collector_append_seconds',
    help: 'Time that the log takes to make one group of readings durable',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const failures = new Counter({
    name: 'gapline_collector_append_failures_total',
    help: 'Groups of readings that the log did not confirm, by outcome',
    labelNames: ['outcome'] as const,
    registers,
  });
  const groupSize = new Histogram({
    name: 'gapline_collector_group_readings',
    help: 'Readings appended together',
    buckets: [1, 10, 100, 1_000, 10_000, 100_000],
    registers,
  });
  new Gauge({
    name: 'gapline_collector_waiting_bytes',
    help: 'Memory held by bodies being read and readings not yet durable',
    registers,
    collect() {
      this.set(observed.waitingBytes());
    },
  });
  const spool = createSpoolMetrics(registry, observed);
  const counters = { requests: 0, accepted: 0, refused: 0, ignoredFields: 0, appendFailures: 0 };
  return {
    get counters() {
      return { ...counters, ...spool.counters };
    },
    mayBeExtra: (readings: number) => spool.add('possibleExtras', readings),
    spooled: (readings: number) => spool.add('spooled', readings),
    drained: (readings: number) => spool.add('drained', readings),
    lost: (readings: number) => spool.add('lost', readings),
    taken(door: Door, status: number, readings: number, ignoredFields: number): void {
      counters.requests += 1;
      counters.accepted += readings;
      counters.ignoredFields += ignoredFields;
      requests.inc({ door, status });
      accepted.inc({ door }, readings);
      if (ignoredFields > 0) ignored.inc(ignoredFields);
    },
    refused(door: Door, status: number): void {
      counters.requests += 1;
      counters.refused += 1;
      requests.inc({ door, status });
    },
    appended(readings: number, seconds: number): void {
      appends.observe(seconds);
      groupSize.observe(readings);
    },
    appendFailed(outcome: string): void {
      counters.appendFailures += 1;
      failures.inc({ outcome });
    },
  };
}

function createSpoolMetrics(registry: Registry, observed: Observed) {
  const registers = [registry];
  const counter = (name: string, help: string) =>
    new Counter({ name: `gapline_collector_${name}_total`, help, registers });
  const totals = {
    spooled: counter('spooled', 'Readings that were kept in the spool because the log did not take them'),
    drained: counter('spool_drained', 'Readings that the spool sent to the log'),
    lost: counter('spool_lost', 'Acknowledged readings that a disk damaged in the spool'),
    possibleExtras: counter('possible_extras', 'Readings that the log may hold twice, because its answer was lost'),
  };
  const gauge = (name: string, help: string, look: (size: SpoolSize) => number) =>
    new Gauge({
      name: `gapline_collector_spool_${name}`,
      help,
      registers,
      collect() {
        this.set(look(observed.spool() ?? { records: 0, bytes: 0, oldest: undefined }));
      },
    });
  gauge('readings', 'Readings that wait in the spool', ({ records }) => records);
  gauge('bytes', 'Bytes that wait in the spool', ({ bytes }) => bytes);
  gauge('oldest_seconds', 'Age of the oldest reading in the spool', ({ oldest }) =>
    oldest === undefined ? 0 : Math.max(0, observed.nowMs() - oldest) / 1_000,
  );
  new Gauge({
    name: 'gapline_collector_spool_drained_per_second',
    help: 'Readings that go out of the spool to the log, a second, over the last 5 s',
    registers,
    collect() {
      this.set(observed.drainedPerSecond());
    },
  });
  const counters = { spooled: 0, drained: 0, lost: 0, possibleExtras: 0 };
  return {
    counters,
    add(name: keyof typeof counters, readings: number): void {
      counters[name] += readings;
      totals[name].inc(readings);
    },
  };
}

export type CollectorMetrics = ReturnType<typeof createCollectorMetrics>;
