import { Counter, Gauge, type Registry } from 'prom-client';
import type { Alert, AlertDelivery } from '../core/wire/alert.ts';

/** What is counted, by the name that the stage's status gives it. Each is one series of a metric. */
const series = {
  fired: { metric: 'changes_total', labels: { state: 'firing' } },
  resolved: { metric: 'changes_total', labels: { state: 'resolved' } },
  delivered: { metric: 'deliveries_total', labels: { outcome: 'delivered' } },
  silenced: { metric: 'deliveries_total', labels: { outcome: 'silenced' } },
  refused: { metric: 'deliveries_total', labels: { outcome: 'refused' } },
  givenUp: { metric: 'deliveries_total', labels: { outcome: 'given-up' } },
  failures: { metric: 'delivery_failures_total', labels: {} },
  leftOut: { metric: 'subjects_left_out_total', labels: {} },
} as const;

type Counted = keyof typeof series;

const metrics = {
  changes_total: { help: 'Alerts that fired or were resolved', labelNames: ['state'] },
  deliveries_total: {
    help: 'Notifications by what became of them at a webhook',
    labelNames: ['webhook', 'outcome'],
  },
  delivery_failures_total: {
    help: 'Failed attempts to send a notification; each is repeated',
    labelNames: ['webhook'],
  },
  subjects_left_out_total: {
    help: 'Readings of devices that a rule does not watch because it watches too many',
    labelNames: [],
  },
} as const;

const outcomes = { delivered: 'delivered', silenced: 'silenced', refused: 'refused', 'given-up': 'givenUp' } as const;
const name = (what: string) => `gapline_alerts_${what}`;

export function createAlertMetrics(registry: Registry, firing: () => number) {
  const registers = [registry];
  const totals = Object.fromEntries(Object.keys(series).map((key) => [key, 0])) as Record<Counted, number>;
  const counters = Object.fromEntries(
    Object.entries(metrics).map(([metric, { help, labelNames }]) => [
      metric,
      new Counter<string>({ name: name(metric), help, labelNames: [...labelNames], registers }),
    ]),
  );
  new Gauge({
    name: name('firing'),
    help: 'Alerts that fire now, in the partitions of this process',
    registers,
    collect() {
      this.set(firing());
    },
  });

  function count(what: Counted, more: Readonly<Record<string, string>> = {}, by = 1): void {
    const { metric, labels } = series[what];
    totals[what] += by;
    counters[metric]?.inc({ ...more, ...labels }, by);
  }

  return {
    counters: () => ({ firing: firing(), ...totals }),
    changed: (state: Alert['state']): void => count(state === 'firing' ? 'fired' : 'resolved'),
    settled: (webhook: string, outcome: AlertDelivery['outcome']): void => count(outcomes[outcome], { webhook }),
    failed: (webhook: string): void => count('failures', { webhook }),
    leftOut: (subjects: number): void => count('leftOut', {}, subjects),
  };
}

export type AlertMetrics = ReturnType<typeof createAlertMetrics>;
