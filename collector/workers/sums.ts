import { AggregatorRegistry } from 'prom-client';
import type { Status } from '../../core/wire/status.ts';
import type { Figures, MetricFigures } from './messages.ts';

type StatusFigures = Figures['status'];

/** Names of unknown fields in one status report. */
const mostNames = 20;

/** The figures of several workers as those of one collector. */
export function sumStatus(all: readonly StatusFigures[]): StatusFigures {
  const spools = all.flatMap(({ spool }) => (spool ? [spool] : []));
  const unknownFields = sumUnknownFields(all);
  const lastError = all
    .flatMap(({ lastError: error }) => (error ? [error] : []))
    .toSorted((left, right) => right.at.localeCompare(left.at))[0];
  return {
    counters: sumCounters(all),
    ...(spools.length > 0 && { spool: sumSpools(spools) }),
    ...(unknownFields.length > 0 && { unknownFields }),
    ...(lastError && { lastError }),
  };
}

function sumCounters(all: readonly StatusFigures[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { counters } of all)
    for (const [name, count] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function sumSpools(spools: readonly NonNullable<Status['spool']>[]): NonNullable<Status['spool']> {
  const sum = { records: 0, bytes: 0, oldestMs: 0, drainedPerSecond: 0 };
  for (const { records, bytes, oldestMs, drainedPerSecond } of spools) {
    sum.records += records;
    sum.bytes += bytes;
    sum.oldestMs = Math.max(sum.oldestMs, oldestMs);
    sum.drainedPerSecond += drainedPerSecond;
  }
  return sum;
}

function sumUnknownFields(all: readonly StatusFigures[]): NonNullable<Status['unknownFields']> {
  const byName = new Map<string, NonNullable<Status['unknownFields']>[number]>();
  for (const { unknownFields = [] } of all)
    for (const field of unknownFields) {
      const known = byName.get(field.name);
      byName.set(field.name, known === undefined ? field : { ...known, count: known.count + field.count });
    }
  return [...byName.values()].toSorted((left, right) => right.count - left.count).slice(0, mostNames);
}

/** The metrics of several registries as one text for Prometheus. */
export const sumMetrics = (all: readonly (readonly MetricFigures[])[]): Promise<string> =>
  AggregatorRegistry.aggregate(all.map((metrics) => [...metrics])).metrics();

/** What is left of a worker that died: its totals, so that no sum falls. What it held at the moment is gone, or is in its spool. */
export async function addRemains(before: Figures, dead: Figures): Promise<Figures> {
  const { spool: _spool, ...status } = sumStatus([before.status, dead.status]);
  const totals = dead.metrics.filter(({ type }) => type !== 'gauge');
  return {
    status,
    metrics: await AggregatorRegistry.aggregate([[...before.metrics], totals]).getMetricsAsJSON(),
  };
}
