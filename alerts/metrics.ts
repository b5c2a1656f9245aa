import { Counter, Gauge, type Registry } from 'prom-client';
import type { Alert, AlertDelivery } from '../core/wire/alert.ts';

const name = (what: string) => `gapline_alerts_${what}`;

export function createAlertMetrics(registry: Registry, firing: () => number) {
  const registers = [registry];
  const counters = {
    fired: 0,
    resolved: 0,
    delivered: 0,
    silenced: 0,
    refused: 0,
    givenUp: 0,
    failures: 0,
    leftOut: 0,
  };
  const changes = new Counter({
    name: name('changes_total'),
    help: 'Alerts that fired or were resolved',
    labelNames: ['state'],
    registers,
  });
  const deliveries = new Counter({
    name: name('deliveries_total'),
    help: 'Notifications by what became of them at a webhook',
    labelNames: ['webhook', 'outcome'],
    registers,
  });
  const failures = new Counter({
    name: name('delivery_failures_total'),
    help: 'Failed attempts to send a notification; each is repeated',
    labelNames: ['webhook'],
    registers,
  });
  const leftOut = new Counter({
    name: name('subjects_left_out_total'),
    help: 'Readings of devices that a rule does not watch because it watches too many',
    registers,
  });
  new Gauge({
    name: name('firing'),
    help: 'Alerts that fire now, in the partitions of this process',
    registers,
    collect() {
      this.set(firing());
    },
  });
  const outcomes = { delivered: 'delivered', silenced: 'silenced', refused: 'refused', 'given-up': 'givenUp' } as const;
  return {
    counters: () => ({ firing: firing(), ...counters }),
    changed(state: Alert['state']): void {
      counters[state === 'firing' ? 'fired' : 'resolved'] += 1;
      changes.inc({ state });
    },
    settled(webhook: string, outcome: AlertDelivery['outcome']): void {
      counters[outcomes[outcome]] += 1;
      deliveries.inc({ webhook, outcome });
    },
    failed(webhook: string): void {
      counters.failures += 1;
      failures.inc({ webhook });
    },
    leftOut(subjects: number): void {
      counters.leftOut += subjects;
      leftOut.inc(subjects);
    },
  };
}

export type AlertMetrics = ReturnType<typeof createAlertMetrics>;
