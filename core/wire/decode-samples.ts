import { frameFault, mismatch, parseRecord, type ReadingFrame, valueFault, withSoundValues } from './decode-reading.ts';
import type { Reading } from './reading.ts';
import type { Samples } from './samples.ts';

const keys = new Set(['stream', 'device', 'time', 'rate', 'values', 'truth', 'endsSegment', 'received']);

/** Whether a record holds many samples: it then has a rate. */
export const isSamples = (record: Reading | Samples): record is Samples => 'rate' in record;

/**
 * Decodes a record of the readings topic, of one sample or of many. By hand for speed; a property test checks it against the schemas.
 * @returns the record, or the reason why it is none
 */
export function decodeRecord(bytes: Uint8Array): Reading | Samples | string {
  const parsed = parseRecord(bytes);
  if (typeof parsed === 'string') return parsed;
  if (parsed.rate !== undefined) return samplesFault(parsed) ?? (parsed as Samples);
  return frameFault(parsed) ?? withSoundValues(parsed as unknown as ReadingFrame);
}

/** Why an object with a `rate` is no record of samples. */
export function samplesFault(record: Record<string, unknown>): string | undefined {
  const { rate, values } = record;
  const fault = frameFault(record, keys);
  if (fault !== undefined) return fault;
  if (typeof rate !== 'number' || !(rate >= 1e-6 && rate <= 1e6)) return mismatch('rate', rate, 'samples a second');
  const columns = values as Record<string, unknown>;
  for (const name in columns) {
    const column = columns[name];
    if (!Array.isArray(column)) return mismatch(`values[${JSON.stringify(name)}]`, column, 'an array');
    for (const value of column as unknown[])
      if (value !== null && !Number.isFinite(value)) return valueFault(name, value);
  }
  return undefined;
}
