import { gunzipSync } from 'node:zlib';
import { recordsOfLines } from '../../collector/line-protocol/records.ts';
import { recordsOfBody } from '../../collector/readings/records.ts';
import type { ReadingRules } from '../../core/wire/reading-input.ts';
import { isPrecision } from '../../core/wire/time.ts';
import { fuzzFields, type Input } from './inputs.ts';

const known = new Set(fuzzFields);

/** The rules by which the readings of a request are checked; `latest` is the latest time that is taken, in nanoseconds since the epoch. */
export function rulesOf({ path }: Input, latest = '1900000000000000000'): ReadingRules {
  const asked = /[?&]precision=(\w+)/.exec(path)?.[1] ?? '';
  return {
    fields: fuzzFields,
    known,
    precision: isPrecision(asked) ? asked : 'ns',
    latest,
  };
}

/** Times of arrival, later than any time that the inputs hold. */
export function arrivals(): () => string {
  let count = 0n;
  return () => {
    count += 1n;
    return String(1_850_000_000_000_000_000n + count);
  };
}

/** What the endpoints make of a request, without HTTP around it, by the slow path. */
export function recordsOf({ path, headers, body }: Input, latest?: string) {
  const rules = rulesOf({ path, headers, body }, latest);
  const text = body.toString('utf8').replace(/^\ufeff/, '');
  const limits = { text, rules, stream: 'pumps', received: '1800000000000000000', maxReadings: 10_000 };
  if (path.startsWith('/api')) {
    return recordsOfLines({ ...limits, deviceTag: 'device', measurement: undefined, arrival: arrivals() });
  }
  return recordsOfBody({ ...limits, form: headers['content-type']?.includes('ndjson') ? 'ndjson' : 'json' });
}

/** The same request without compression. */
export function unpacked(input: Input): Input {
  const packed = input.headers['content-encoding']?.toLowerCase().includes('gzip');
  return packed ? { ...input, body: gunzipSync(input.body) } : input;
}

/** One number for any set of readings, whatever their order: the sum of a hash of each, of its device and its values. */
export function fingerprint(values: Iterable<Uint8Array>): number {
  let sum = 0;
  for (const value of values) {
    const text = Buffer.from(value).toString('utf8');
    const reading = JSON.parse(text) as { device: string; values: unknown; truth?: string };
    sum += hashOf(JSON.stringify([reading.device, reading.values, reading.truth]));
  }
  return sum;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
