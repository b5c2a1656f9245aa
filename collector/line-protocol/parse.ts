import { shorten } from '../../core/wire/problem.ts';
import { type Precision, readTime } from '../../core/wire/time.ts';
import {
  LineFault,
  scanFieldKey,
  scanFields,
  scanFieldValue,
  scanLine,
  scanMeasurement,
  scanTagKey,
  scanTagValue,
  scanTime,
  skipWhitespace,
} from './scan.ts';

export interface LineField {
  readonly name: string;
  /** Integers and unsigned integers are numbers too, with a double's precision. */
  readonly value: number | boolean | string;
}

/** One line. */
export interface LinePoint {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  /** In the order of the line; if a name occurs twice, the later one counts. */
  readonly fields: readonly LineField[];
  /** Nanoseconds since the epoch as a decimal string; undefined where the line has none. */
  readonly time: string | undefined;
  /** Where in the body the line begins. */
  readonly offset: number;
}

export interface ParsedLines {
  readonly points: readonly LinePoint[];
  /** InfluxDB's message for each bad line, at most the first {@link maxFailures}. Empty when every line was good. */
  readonly failures: readonly string[];
  /** True if there were more lines than `maxPoints`, good or bad; the rest was not read. */
  readonly tooMany: boolean;
}

const maxFailures = 20;
/** Of one line. InfluxDB's only bound is memory. */
export const maxFields = 10_000;
const maxKeyBytes = 65_535;
export const reservedTags = new Set(['_field', '_measurement', 'time', '\0']);

/**
 * Parses line protocol as InfluxDB 2.7 does: it accepts the same lines and rejects the same lines with the same messages.
 * @param options.precision the unit of timestamps
 * @param options.maxPoints stop reading after so many lines
 */
export function parseLines(text: string, options: { precision: Precision; maxPoints: number }): ParsedLines {
  const points: LinePoint[] = [];
  const failures: string[] = [];
  let lines = 0;
  let position = 0;
  while (position < text.length) {
    const end = scanLine(text, position);
    const start = skipWhitespace(text, position);
    position = end + 1;
    if (start >= end || text[start] === '#') continue;
    if (lines === options.maxPoints) return { points, failures, tooMany: true };
    lines += 1;
    const line = text.slice(start, text[end - 1] === '\n' ? end - 1 : end);
    try {
      points.push(parsePoint(line, options.precision, start));
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      if (failures.length < maxFailures) {
        failures.push(`unable to parse '${shorten(line, 1_000)}': ${shorten(error.message, 300)}`);
      }
    }
  }
  return { points, failures, tooMany: false };
}

function parsePoint(line: string, precision: Precision, offset: number): LinePoint {
  const measurementEnd = scanMeasurement(line, 0);
  const { tags, end: keyEnd } = parseTags(line, measurementEnd);
  const fieldsStart = skipWhitespace(line, keyEnd);
  const fieldsEnd = scanFields(line, fieldsStart);
  const fields = parseFields(line.slice(fieldsStart, fieldsEnd), keyEnd);
  const time = parseTime(line, fieldsEnd, precision);
  // Such a value only passed because of a stray backslash; InfluxDB accepts it and then cannot read it.
  if (fields.some(({ value }) => Number.isNaN(value))) throw new LineFault('invalid number');
  return {
    measurement: unescapeWith(line.slice(0, measurementEnd), keyEscapes),
    tags,
    fields,
    time,
    offset,
  };
}

/** Tags are split first and checked afterwards, so that of two faults the same one is reported as by InfluxDB. */
function parseTags(line: string, measurementEnd: number): { tags: Map<string, string>; end: number } {
  const raw: [string, string][] = [];
  let end = measurementEnd;
  while (line[end] === ',') {
    const keyEnd = scanTagKey(line, end + 1);
    const valueEnd = scanTagValue(line, keyEnd + 1);
    // A longer key is refused below.
    if (valueEnd <= maxKeyBytes) raw.push([line.slice(end + 1, keyEnd), line.slice(keyEnd + 1, valueEnd)]);
    end = valueEnd;
  }
  checkKeyLength(line.length, () => Buffer.byteLength(line.slice(0, end)));
  for (const [key] of raw) {
    if (reservedTags.has(key)) throw new LineFault(`cannot use reserved tag key ${JSON.stringify(key)}`);
  }
  if (raw.length > 1 && new Set(raw.map(([key]) => key)).size < raw.length) throw new LineFault('duplicate tags');
  const tags = new Map<string, string>();
  for (const [key, value] of raw) tags.set(unescapeWith(key, tagEscapes), unescapeWith(value, tagEscapes));
  return { tags, end };
}

const tagEscapes = /\\([, =])/g;
const keyEscapes = /\\([," =])/g;

function parseFields(text: string, keyLength: number): LineField[] {
  const fields: LineField[] = [];
  let position = 0;
  while (position < text.length) {
    const keyEnd = scanFieldKey(text, position);
    const key = text.slice(position, keyEnd);
    if (keyEnd > text.length - 2) throw new LineFault(`invalid value: field-key=${key}`);
    checkKeyLength(keyLength + key.length, () => keyLength + 4 + Buffer.byteLength(key));
    if (fields.length === maxFields) throw new LineFault(`more than ${maxFields} fields`);
    const end = scanFieldValue(text, keyEnd + 1);
    fields.push({ name: unescapeWith(key, keyEscapes), value: parseValue(text.slice(keyEnd + 1, end)) });
    position = end + 1;
  }
  return fields;
}

function checkKeyLength(most: number, bytes: () => number): void {
  if (most * 3 <= maxKeyBytes) return;
  const length = bytes();
  if (length > maxKeyBytes) throw new LineFault(`max key length exceeded: ${length} > ${maxKeyBytes}`);
}

function parseValue(text: string): number | boolean | string {
  const first = text.charCodeAt(0);
  if (first === 0x22) return unescapeWith(text.slice(1, -1), /\\([\\"])/g);
  if (first === 0x74 || first === 0x54) return true;
  if (first === 0x66 || first === 0x46) return false;
  const last = text.charCodeAt(text.length - 1);
  const value = Number(last === 0x69 || last === 0x75 ? text.slice(0, -1) : text);
  return Number.isFinite(value) ? value : Number.NaN;
}

function parseTime(line: string, from: number, precision: Precision): string | undefined {
  const start = skipWhitespace(line, from);
  const end = scanTime(line, start);
  if (end === start) return undefined;
  const digits = line.slice(start, end);
  const time = digits === '-' ? null : toNanoseconds(digits, precision);
  if (time === null) throw new LineFault(explainTimestamp(digits));
  for (let index = end; index < line.length; index += 1) {
    if (line[index] !== ' ') throw new LineFault('point is invalid');
  }
  return time;
}

function explainTimestamp(digits: string): string {
  const parsing = `strconv.ParseInt: parsing "${digits}"`;
  if (digits === '-') return `${parsing}: invalid syntax`;
  if (digits.length > 64 || BigInt.asIntN(64, BigInt(digits)) !== BigInt(digits))
    return `${parsing}: value out of range`;
  return 'time outside range -9223372036854775806 - 9223372036854775806';
}

const zerosOf: Record<Precision, string> = { ns: '', us: '000', ms: '000000', s: '000000000' };

export function toNanoseconds(digits: string, precision: Precision): string | null {
  return readTime(digits + zerosOf[precision], 'ns');
}

function unescapeWith(text: string, escapes: RegExp): string {
  return text.includes('\\') ? text.replace(escapes, '$1') : text;
}
