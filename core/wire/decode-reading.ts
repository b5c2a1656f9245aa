import { isUtf8 } from 'node:buffer';
import { describeError } from './errors.ts';
import type { Reading } from './reading.ts';

const nanoseconds = /^-?\d{1,19}$/;
const keys = new Set(['stream', 'device', 'time', 'values', 'truth', 'received']);

/**
 * Reads a record of the readings topic. By hand for speed; a property test holds it equal to `readingSchema`.
 * @returns the reading, or what is wrong with it
 */
export function decodeReading(bytes: Uint8Array): Reading | string {
  if (!isUtf8(bytes)) return 'not UTF-8';
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return explainReading(parsed) ?? (parsed as Reading);
  } catch (error) {
    return `not JSON: ${describeError(error)}`;
  }
}

/** What is wrong with a reading that `JSON.parse` made; undefined when nothing is. */
export function explainReading(reading: unknown): string | undefined {
  if (!isObject(reading)) return 'not an object';
  for (const key in reading) if (!keys.has(key)) return `${JSON.stringify(key)} is not a key of a reading`;
  for (const key of ['stream', 'device'] as const) if (!isText(reading[key])) return `${key} is not a name`;
  for (const key of ['time', 'received'] as const) {
    const time = reading[key];
    if (typeof time !== 'string' || !nanoseconds.test(time)) return `${key} is not nanoseconds as a decimal string`;
  }
  if (reading.truth !== undefined && typeof reading.truth !== 'string') return 'truth is not a string';
  const { values } = reading;
  if (!isObject(values)) return 'values is not an object';
  for (const name in values) {
    const value = values[name];
    if (value !== null && !Number.isFinite(value))
      return `values ${JSON.stringify(name)} is not a finite number or null`;
  }
  return undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
