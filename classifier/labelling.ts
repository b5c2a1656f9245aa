import type { Batch, Output } from '../core/log/port.ts';
import type { ModelOutput } from '../core/model/model.ts';
import type { SpareArrays } from '../core/numeric/spare-arrays.ts';
import type { Reporter } from '../core/stage/reporter.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import type { ReadingBatch } from './decode.ts';
import type { Labelled } from './encode.ts';
import type { Metrics } from './metrics.ts';
import { type ModelSession, prepare } from './model-change/model-slot.ts';
import type { PreparedRows } from './prepared-rows.ts';
import { predict, type StreamModel } from './stream-model.ts';

/** What decoding a batch came to beside its readings. */
export interface DecodedBatch {
  readonly deadLetters: number;
  readonly skippedBy: ReadonlyMap<string, number>;
  /** Why the last of the dead letters could not be read, and where it stands. */
  readonly lastError: string | undefined;
}

/** Fills `readings` from a batch; what cannot be read goes to `outputs` as dead letters. */
export function decodeBatch(batch: Batch, readings: ReadingBatch, reporter: Reporter, outputs: Output[]): DecodedBatch {
  const skippedBy = new Map<string, number>();
  let deadLetters = 0;
  let lastError: string | undefined;
  readings.reset(batch.records.length);
  for (const record of batch.records) {
    const refusal = readings.take(record);
    if (!refusal) continue;
    const { kind, reason } = refusal;
    if (kind === 'skip') skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + 1);
    else {
      outputs.push(reporter.deadLetter(record, reason));
      deadLetters += 1;
      lastError = `${record.topic}/${record.partition}/${record.offset}: ${reason}`;
    }
  }
  return { deadLetters, skippedBy, lastError };
}

/** Rows with the champion's predictions. */
export interface LabelledBatch {
  readonly prepared: PreparedRows;
  readonly output: Omit<ModelOutput, 'filled'>;
  /** By row. */
  readonly labels: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
}

export interface LabellingOptions {
  /** Where rows are filled. */
  readonly spare: SpareArrays<Float64Array>;
  readonly metrics: Metrics;
  readonly topic: string;
  readonly now: () => number;
}

/**
 * Labels readings with the champion and adds its predictions to the outputs. What was filled is not kept: its array is used again.
 */
export async function labelBatch(
  modelSession: ModelSession,
  readings: ReadingBatch,
  outputs: Output[],
  { spare, metrics, topic, now }: LabellingOptions,
): Promise<LabelledBatch> {
  const startedAtMs = now();
  const startedMs = performance.now();
  const { streamModel, session } = modelSession;
  const prepared = prepare(modelSession, readings);
  const { rows, origins } = prepared;
  const room = spare.take(rows.count * rows.width);
  const predicted = predict(streamModel, session, rows, room.subarray(0, rows.count * rows.width));
  // A promise only where the model returns one: a turn of the event loop for each batch costs throughput.
  const output = predicted instanceof Promise ? await predicted : predicted;
  metrics.predicted((performance.now() - startedMs) / 1_000);
  pushPredictions(streamModel, { origins, rows, output, nowMs: now() }, topic, outputs);
  // Who remembers rows may do so from what was filled.
  if (!output.committed) spare.give(room);
  return { prepared, output, startedAtMs, labels: labelNames(streamModel, output.labels) };
}

/** Adds the predictions of labelled rows to the outputs. */
export function pushPredictions({ encode }: StreamModel, labelled: Labelled, topic: string, outputs: Output[]): void {
  for (const [row, key] of labelled.origins.devices.entries())
    outputs.push({ topic, key, value: encode(labelled, row) });
}

/** The names of predicted classes, by row. */
export function labelNames({ model }: StreamModel, labels: Int32Array): string[] {
  const names: string[] = [];
  for (const label of labels) names.push(model.classes[label] ?? unknownLabel);
  return names;
}
