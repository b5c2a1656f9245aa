import { type Aggregator, Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SpoolSize } from './spool/spool.ts';
import type { UnknownFields } from './unknown-fields.ts';

/** The two endpoints of devices. */
export type EndpointName = 'readings' | 'line-protocol' | 'facts';

/** What is read when the metrics are scraped. */
export interface Observed {
  waitingBytes(): number;
  spool(): SpoolSize | undefined;
  /** Readings a second that the spool sends to the log. */
  drainedPerSecond(): number;
  /** Readings of the journal that are not in the log yet. Default 0. */
  journalReadings?(): number;
  nowMs(): number;
  readonly unknownFields: UnknownFields;
}

/** What the collector counts: in the registry for Prometheus, and in `counters` for its status report. */
export function createCollectorMetrics(registry: Registry, observed: Observed) {
  new Gauge({
    name: 'gapline_collector_waiting_bytes',
    help: 'Bytes of request bodies that are being read and of readings that are not yet durable',
    registers: [registry],
    collect() {
      this.set(observed.waitingBytes());
    },
  });
  createSpoolGauges(registry, observed);
  new Gauge({
    name: 'gapline_collector_journal_readings',
    help: 'Acknowledged readings in the journal that are on their way to the log',
    registers: [registry],
    collect() {
      this.set(observed.journalReadings?.() ?? 0);
    },
  });
  const requests = createRequestMetrics(registry);
  const appends = createAppendMetrics(registry);
  const spool = createSpoolCounters(registry);
  return {
    get counters() {
      return { ...requests.counters, ...appends.counters, ...spool.counters };
    },
    accepted: requests.accepted,
    factsAccepted: requests.factsAccepted,
    refused: requests.refused,
    unknownField: (name: string) => observed.unknownFields.add(name),
    appended: appends.appended,
    appendFailed: appends.appendFailed,
    mayBeExtra: (readings: number) => spool.add('possibleExtras', readings),
    spooled: (readings: number) => spool.add('spooled', readings),
    drained: (readings: number) => spool.add('drained', readings),
    lost: (readings: number) => spool.add('lost', readings),
    journaled: (readings: number) => spool.add('journaled', readings),
  };
}

export type CollectorMetrics = ReturnType<typeof createCollectorMetrics>;

/** What is counted of an endpoint with each request; the registry asks for it when it is scraped. */
interface Tally {
  accepted: number;
  readonly byStatus: Map<number, number>;
}

function count({ byStatus }: Tally, status: number): void {
  byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
}

function createRequestMetrics(registry: Registry) {
  const registers = [registry];
  const newTally = (): Tally => ({ accepted: 0, byStatus: new Map() });
  const tallies: Readonly<Record<EndpointName, Tally>> = {
    readings: newTally(),
    'line-protocol': newTally(),
    facts: newTally(),
  };
  new Counter({
    name: 'gapline_collector_requests_total',
    help: 'Requests by endpoint (label door) and status',
    labelNames: ['door', 'status'] as const,
    registers,
    collect() {
      this.reset();
      for (const [door, { byStatus }] of Object.entries(tallies))
        for (const [status, requests] of byStatus) this.inc({ door, status }, requests);
    },
  });
  new Counter({
    name: 'gapline_collector_readings_accepted_total',
    help: 'Readings that were acknowledged, by endpoint (label door)',
    labelNames: ['door'] as const,
    registers,
    collect() {
      this.reset();
      for (const [door, { accepted }] of Object.entries(tallies)) if (accepted > 0) this.inc({ door }, accepted);
    },
  });
  const ignoredTotal = new Counter({
    name: 'gapline_collector_ignored_fields_total',
    help: 'Fields of line protocol that were ignored because the stream does not define them or they are not numbers',
    registers,
  });
  const factsTotal = new Counter({
    name: 'gapline_collector_facts_accepted_total',
    help: 'Facts that were acknowledged',
    registers,
  });
  const counters = { requests: 0, accepted: 0, refused: 0, ignoredFields: 0, factsAccepted: 0 };
  return {
    counters,
    accepted(endpoint: EndpointName, status: number, readings: number, ignoredFields: number): void {
      counters.requests += 1;
      counters.accepted += readings;
      counters.ignoredFields += ignoredFields;
      const tally = tallies[endpoint];
      tally.accepted += readings;
      count(tally, status);
      if (ignoredFields > 0) ignoredTotal.inc(ignoredFields);
    },
    factsAccepted(facts: number): void {
      counters.requests += 1;
      counters.factsAccepted += facts;
      count(tallies.facts, 202);
      factsTotal.inc(facts);
    },
    refused(endpoint: EndpointName, status: number): void {
      counters.requests += 1;
      counters.refused += 1;
      count(tallies[endpoint], status);
    },
  };
}

function createAppendMetrics(registry: Registry) {
  const registers = [registry];
  const duration = new Histogram({
    name: 'gapline_collector_append_seconds',
    help: 'Seconds that the log takes to make one group of readings durable',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const failures = new Counter({
    name: 'gapline_collector_append_failures_total',
    help: 'Groups of readings that the log did not confirm, by outcome: refused or unknown',
    labelNames: ['outcome'] as const,
    registers,
  });
  const groupSize = new Histogram({
    name: 'gapline_collector_group_readings',
    help: 'Readings in one group that is appended to the log together',
    buckets: [1, 10, 100, 1_000, 10_000, 100_000],
    registers,
  });
  const counters = { appendFailures: 0 };
  return {
    counters,
    appended(readings: number, seconds: number): void {
      duration.observe(seconds);
      groupSize.observe(readings);
    },
    appendFailed(outcome: string): void {
      counters.appendFailures += 1;
      failures.inc({ outcome });
    },
  };
}

function createSpoolCounters(registry: Registry) {
  const counter = (name: string, help: string) =>
    new Counter({ name: `gapline_collector_${name}_total`, help, registers: [registry] });
  const totals = {
    spooled: counter('spooled', 'Readings that were written to the spool because the log was unavailable'),
    drained: counter('spool_drained', 'Readings that were sent from the spool to the log'),
    lost: counter('spool_lost', 'Acknowledged readings in the spool or the journal that the disk damaged'),
    journaled: counter('journaled', 'Readings that were acknowledged when the journal had them'),
    possibleExtras: counter(
      'possible_extras',
      'Readings that the log may hold twice, because it did not confirm in time whether it has them',
    ),
  };
  const counters = { spooled: 0, drained: 0, lost: 0, journaled: 0, possibleExtras: 0 };
  return {
    counters,
    add(name: keyof typeof counters, readings: number): void {
      counters[name] += readings;
      totals[name].inc(readings);
    },
  };
}

function createSpoolGauges(registry: Registry, observed: Observed): void {
  const gauge = (name: string, help: string, read: (size: SpoolSize) => number, aggregator: Aggregator = 'sum') =>
    new Gauge({
      name: `gapline_collector_spool_${name}`,
      help,
      aggregator,
      registers: [registry],
      collect() {
        this.set(read(observed.spool() ?? { records: 0, bytes: 0, oldest: undefined }));
      },
    });
  gauge('readings', 'Readings in the spool', ({ records }) => records);
  gauge('bytes', 'Bytes of the readings in the spool', ({ bytes }) => bytes);
  gauge(
    'oldest_seconds',
    'Seconds since the oldest reading in the spool was received',
    ({ oldest }) => (oldest === undefined ? 0 : Math.max(0, observed.nowMs() - oldest) / 1_000),
    'max',
  );
  gauge('drained_per_second', 'Readings a second that the spool sent to the log over the last 5 s', () =>
    observed.drainedPerSecond(),
  );
}
