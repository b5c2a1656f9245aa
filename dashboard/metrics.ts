import { Counter, Gauge, type Registry } from 'prom-client';
import type { Live } from './live.ts';

/** What the live page counts of itself: in the registry for Prometheus, and as counters for its status report. */
export function createDashboardMetrics(registry: Registry | undefined, live: Live) {
  const totals = { records: 0, skipped: 0 };
  if (registry) {
    const registers = [registry];
    new Gauge({
      name: 'gapline_dashboard_pages',
      help: 'Pages that are open',
      registers,
      collect() {
        this.set(live.clients);
      },
    });
    const counters: [string, string, () => number][] = [
      ['gapline_dashboard_records_total', 'Records that were read from the log', () => totals.records],
      [
        'gapline_dashboard_skipped_total',
        'Records that were skipped because the page could not keep up, about',
        () => totals.skipped,
      ],
      ['gapline_dashboard_deltas_missed_total', 'Updates that a slow page did not get', () => live.missed],
    ];
    for (const [name, help, total] of counters) {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(total());
        },
      });
    }
  }
  return {
    taken(records: number): void {
      totals.records += records;
    },
    skipped(records: number): void {
      totals.skipped += records;
    },
    counters: () => ({ ...totals, pages: live.clients }),
  };
}

export type DashboardMetrics = ReturnType<typeof createDashboardMetrics>;
