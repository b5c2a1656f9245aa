import type { Prediction } from './prediction.ts';
import type { Reading } from './reading.ts';

/** One row of the store: the only tag is `device`, the identity is (measurement, device, time). */
export interface Point {
  readonly measurement: string;
  readonly device: string;
  /** Nanoseconds since the Unix epoch, as a decimal string. */
  readonly time: string;
  /** A field has one type for ever. Numbers are floats. */
  readonly fields: Readonly<Record<string, number | string | boolean>>;
}

/** The prefix that keeps a value's name apart from the fields that Gapline itself writes. */
export const valuePrefix = 'v.';

/** The field of a point whose last sample ends its segment: 1. */
export const endField = 'endsSegment';

/**
 * A reading as the archive keeps it: measurement `STREAM`, fields `v.NAME`, `gaps` (over all fields of the stream), `truth` and
 * `endsSegment`.
 */
export function readingToPoint(reading: Reading, fieldCount: number): Point {
  const fields: Record<string, number | string> = {};
  let present = 0;
  for (const [name, value] of Object.entries(reading.values)) {
    if (value === null) continue;
    fields[valuePrefix + name] = value;
    present += 1;
  }
  fields.gaps = fieldCount - present;
  if (reading.truth !== undefined) fields.truth = reading.truth;
  if (reading.endsSegment) fields[endField] = 1;
  return { measurement: reading.stream, device: reading.device, time: reading.time, fields };
}

/**
 * The fields `sensitivity` and `spread` of a prediction whose model does not know them: a field that came and went would be stale after an
 * overwrite.
 */
export const unknownShare = -1;

/**
 * A prediction as the dashboards query it: everything it has, each time, so that an overwrite leaves nothing stale. What was filled and
 * the probabilities by class are JSON, because a field by name would stay behind where a later prediction lacks that name. Telegraf makes
 * the same point of the same record (telegraf/formats.ts). Only the shapelet that decided stays in the log: it is a picture, which the live
 * page draws.
 */
export function predictionToPoint(prediction: Prediction, measurement = `${prediction.stream}.predictions`): Point {
  const { label, truth } = prediction;
  return {
    measurement,
    device: prediction.device,
    time: prediction.time,
    fields: {
      label,
      probability: prediction.probability,
      probabilities: JSON.stringify(prediction.probabilities),
      filled: JSON.stringify(prediction.filled),
      gaps: prediction.gaps,
      model: prediction.model.name,
      version: prediction.model.version,
      sensitivity: prediction.sensitivity ?? unknownShare,
      spread: prediction.spread ?? unknownShare,
      truth: truth ?? '',
      // Both in one field, so that a confusion is counted without putting fields together.
      outcome: JSON.stringify(truth === undefined ? [label] : [truth, label]),
      received: prediction.received,
      latencyMs: prediction.latencyMs,
      ...windowOf(prediction),
      ...(prediction.facts && { facts: JSON.stringify(prediction.facts) }),
    },
  };
}

/** The fields of a window, which predictions of single readings lack. */
function windowOf({ from, samples, missing }: Prediction): Record<string, number | string> {
  return {
    ...(from !== undefined && { from }),
    ...(samples !== undefined && { samples }),
    ...(missing !== undefined && { missing }),
  };
}
