import { decodeRecord } from '../../core/wire/decode-samples.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Reading } from '../../core/wire/reading.ts';
import type { Samples } from '../../core/wire/samples.ts';

/**
 * Readings and predictions decoded from records. Of a prediction only what the figures use is checked, by hand: the schema costs more
 * than the parsing, and a page must work with any record.
 */
type Fields = Record<string, unknown>;

export type SeenReading = Pick<Reading, 'device' | 'time' | 'values'>;

export type SeenPrediction = Pick<
  Prediction,
  | 'device'
  | 'time'
  | 'from'
  | 'samples'
  | 'shapelet'
  | 'label'
  | 'probability'
  | 'probabilities'
  | 'filled'
  | 'gaps'
  | 'model'
  | 'sensitivity'
  | 'spread'
  | 'truth'
  | 'latencyMs'
>;

const decoder = new TextDecoder();

export function parseRecord(bytes: Uint8Array): Reading | Samples | undefined {
  const record = decodeRecord(bytes);
  return typeof record === 'string' ? undefined : record;
}

export function parsePrediction(bytes: Uint8Array): SeenPrediction | undefined {
  const record = parseObject(bytes);
  const sound =
    record &&
    isText(record.device) &&
    isText(record.time) &&
    (record.from === undefined || isText(record.from)) &&
    (record.samples === undefined || isNumber(record.samples)) &&
    isText(record.label) &&
    isNumber(record.probability) &&
    isObject(record.probabilities) &&
    isObject(record.filled) &&
    isNumber(record.gaps) &&
    isObject(record.model) &&
    isText(record.model.name) &&
    isNumber(record.model.version) &&
    isNumber(record.latencyMs) &&
    (record.truth === undefined || isText(record.truth)) &&
    (record.sensitivity === undefined || isNumber(record.sensitivity)) &&
    (record.spread === undefined || isNumber(record.spread)) &&
    (record.shapelet === undefined || isShapelet(record.shapelet));
  return sound ? (record as unknown as SeenPrediction) : undefined;
}

/** The content of a record, if it is a JSON object. */
export function parseObject(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isShapelet = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.channel) &&
  [value.at, value.step, value.of, value.share].every(isNumber) &&
  Array.isArray(value.values) &&
  value.values.every(isNumber);

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
