import { isUtf8 } from 'node:buffer';
import { describeError } from './errors.ts';
import type { Reading } from './reading.ts';

/** A sound reading but for its values, which whoever walks through them checks with {@link valueFault}. */
export type ReadingFrame = Omit<Reading, 'values'> & { readonly values: Readonly<Record<string, unknown>> };

const nanoseconds = /^-?\d{1,19}$/;
const keys = new Set(['stream', 'device', 'time', 'values', 'truth', 'endsSegment', 'received']);

/**
 * Decodes a record of the readings topic. By hand for speed; a property test checks it against `readingSchema`.
 * @returns the reading, or the reason why it is none
 */
export function decodeReading(bytes: Uint8Array): Reading | string {
  const frame = decodeReadingFrame(bytes);
  return typeof frame === 'string' ? frame : withSoundValues(frame);
}

/** Checks the values of a frame, too. */
export function withSoundValues(frame: ReadingFrame): Reading | string {
  const { values } = frame;
  for (const name in values) {
    const fault = valueFault(name, values[name]);
    if (fault !== undefined) return fault;
  }
  return frame as Reading;
}

/**
 * Decodes a record of the readings topic and checks all of it but the values, so that a hot path walks through those once.
 * @returns the reading, or the reason why it is none
 */
export function decodeReadingFrame(bytes: Uint8Array): ReadingFrame | string {
  const parsed = parseRecord(bytes);
  return typeof parsed === 'string' ? parsed : (frameFault(parsed) ?? (parsed as ReadingFrame));
}

/** Reads a record as a JSON object. @returns the object, or the reason why it is none */
export function parseRecord(bytes: Uint8Array): Record<string, unknown> | string {
  if (!isUtf8(bytes)) return 'the record is not UTF-8';
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    return `the record is not JSON: ${describeError(error)}`;
  }
  return isObject(parsed) ? parsed : `the record is ${show(parsed)}; expected an object`;
}

/** Why an object is no reading, its values aside. */
export function frameFault(reading: Record<string, unknown>, known: ReadonlySet<string> = keys): string | undefined {
  const { stream, device, time, values, truth, endsSegment, received } = reading;
  if (typeof stream !== 'string' || stream === '') return mismatch('stream', stream, 'a name');
  if (typeof device !== 'string' || device === '') return mismatch('device', device, 'a name');
  if (!isNanoseconds(time)) return mismatch('time', time, 'nanoseconds as a string');
  if (!isNanoseconds(received)) return mismatch('received', received, 'nanoseconds as a string');
  if (truth !== undefined && typeof truth !== 'string') return mismatch('truth', truth, 'a string');
  if (endsSegment !== undefined && endsSegment !== true)
    return mismatch('endsSegment', endsSegment, 'true, or nothing');
  if (!isObject(values)) return mismatch('values', values, 'an object');
  for (const key in reading) if (!known.has(key)) return `${JSON.stringify(key)} is not a key of a reading`;
  return undefined;
}

/** Why something cannot be the value of a field; undefined for a finite number and for null, which is a gap. */
export function valueFault(name: string, value: unknown): string | undefined {
  if (value === null || Number.isFinite(value)) return undefined;
  return mismatch(`values[${JSON.stringify(name)}]`, value, 'a finite number or null');
}

/** What was found at a place of a record, and what was expected there. */
export const mismatch = (where: string, found: unknown, expected: string): string =>
  `${where}: found ${show(found)}; expected ${expected}`;

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const isNanoseconds = (value: unknown): boolean => typeof value === 'string' && nanoseconds.test(value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
