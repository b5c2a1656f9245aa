import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Status } from '../core/wire/status.ts';
import type { BatchOutcome } from './totals.ts';

/** What a scrape of the classifier shows. */
export function createMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <T extends string = never>(name: string, help: string, labelNames: T[] = []) =>
    new Counter({ name: `gapline_classifier_${name}`, help, labelNames, registers });
  const gauge = <T extends string = never>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name: `gapline_classifier_${name}`, help, labelNames, registers });
  const labels = counter('labels_total', 'Readings labelled.');
  const gaps = counter('gaps_total', 'Values that were missing in labelled readings.');
  const unknownFields = counter('unknown_fields_total', 'Values ignored because the stream does not know their names.');
  const deadLetters = counter('dead_letters_total', 'Records that could never be processed.');
  const skipped = counter('skipped_total', 'Records not labelled on purpose, by reason.', ['reason']);
  const shadow = counter('shadow_total', 'Readings that a challenger labelled, or left out.', ['outcome']);
  const changes = counter('model_changes_total', 'Model versions that took over, or were refused.', ['outcome']);
  const registryUp = gauge(
    'registry_up',
    'Whether the model registry responds: 1 or 0. While it is 0 the present version serves.',
  );
  registryUp.set(1);
  const psi = gauge('drift_psi', 'The largest population stability index of a field.');
  const outside = gauge('drift_outside_ratio', 'Share of readings with a value outside the range of training.');
  const checkpoints = counter('checkpoints_lost_total', 'Checkpoints that could not be written, or not be read.', [
    'outcome',
  ]);
  const stalls = counter('stalls_total', 'Failed attempts that are tried again.');
  const predict = new Histogram({
    name: 'gapline_classifier_predict_seconds',
    help: 'Time that the model takes for a batch.',
    buckets: [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const batch = new Histogram({
    name: 'gapline_classifier_batch_readings',
    help: 'Readings in a batch.',
    buckets: [1, 10, 100, 500, 1_000, 2_000, 5_000],
    registers,
  });
  const latency = gauge('latency_seconds', 'From received to committed, over the last 10 to 20 s.', ['quantile']);
  const lag = gauge('lag_records', 'Records of the readings topic not yet taken by the group, over all partitions.');
  const model = gauge('model_info', 'The model version that serves: always 1.', ['name', 'version']);

  return {
    committed({ readings, labels: made, deadLetters: dead, skippedBy, steps }: Omit<BatchOutcome, 'origins'>): void {
      labels.inc(made.length);
      gaps.inc(readings.gaps);
      unknownFields.inc(readings.unknownFields);
      deadLetters.inc(dead);
      for (const [reason, count] of skippedBy) skipped.inc({ reason }, count);
      for (const [reason, count] of steps?.skippedBy ?? []) skipped.inc({ reason }, count);
      if (readings.count > 0) batch.observe(readings.count);
    },
    deadLetter: () => deadLetters.inc(),
    stalled: () => stalls.inc(),
    checkpointLost: (outcome: 'unwritten' | 'unread') => checkpoints.inc({ outcome }),
    predicted: (seconds: number) => predict.observe(seconds),
    shadowed: (count: number, labelled: boolean) => shadow.inc({ outcome: labelled ? 'labelled' : 'skipped' }, count),
    registry: (responds: boolean) => registryUp.set(responds ? 1 : 0),
    refused: () => changes.inc({ outcome: 'refused' }),
    unfinishedSamples: (count: number) => skipped.inc({ reason: 'unfinished' }, count),
    unfinished: () => changes.inc({ outcome: 'unfinished' }),
    changed: () => changes.inc({ outcome: 'taken' }),
    drifted(drift: Status['drift']): void {
      if (!drift) return;
      psi.set(drift.psi);
      outside.set(drift.outside);
    },
    reported(recent: { p50Ms: number; p99Ms: number }, records: number | undefined): void {
      latency.set({ quantile: '0.5' }, recent.p50Ms / 1_000);
      latency.set({ quantile: '0.99' }, recent.p99Ms / 1_000);
      if (records !== undefined) lag.set(records);
    },
    serving(name: string, version: number): void {
      model.reset();
      model.set({ name, version: String(version) }, 1);
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
