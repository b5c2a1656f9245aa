import { z } from 'zod';
import { suggestName } from './near-name.ts';
import { type Faults, pointerToken, shorten } from './problem.ts';
import { compareTimes, countOf, explainTime, isImplausible, type Precision, readTime, suggestUnit } from './time.ts';

/** What a stream takes from devices. Made once a request. */
export interface ReadingRules {
  /** The names of the values, in the order of the model's columns. */
  readonly fields: readonly string[];
  /** The same names, to look up. */
  readonly known: ReadonlySet<string>;
  /** The unit of times that are JSON integers. */
  readonly precision: Precision;
  /** The latest time that is believed: nanoseconds since the epoch, as a decimal string. */
  readonly latest: string;
  /** Told each name in a request that the stream does not know. */
  readonly unknown?: (name: string) => void;
}

/** A reading that passed; `values` is what the device sent. */
export interface ReadingInput {
  readonly device: string;
  /** Nanoseconds since the epoch, as a canonical decimal string. */
  readonly time: string;
  readonly values: Readonly<Record<string, number | null>>;
  readonly truth: string | undefined;
  readonly endsSegment: true | undefined;
}

/** Longest name of a device and longest label, in UTF-16 units. */
export const maxNameLength = 256;

/** Faults of one request for which a near name is searched. */
const mostHints = 10;

const keys = ['device', 'time', 'values', 'truth', 'endsSegment'];
const nameRule = `1 to ${maxNameLength} characters, none of them a control character or half a surrogate pair, and no backslash at the end`;

/**
 * Whether a text can name a device or a class. Everything that a tag of line protocol cannot carry is refused,
 * because a reading that was acknowledged has to reach the store: control characters, and a backslash at the end.
 */
export function isName(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > maxNameLength) return false;
  let ascii = true;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
    if (code > 0x7f) ascii = false;
  }
  return text.charCodeAt(length - 1) !== 0x5c && (ascii || text.isWellFormed());
}

/** Why {@link isName} refused, for people. */
export function explainName(text: string): string {
  return text === '' ? `the name is empty; it has ${nameRule}` : `${JSON.stringify(shorten(text))} is not ${nameRule}`;
}

/**
 * Why a time is not taken although it can be read; undefined when it is.
 * @param unit what the time counts, where it is an integer; undefined where it is RFC 3339, which leaves no doubt
 */
export function explainRefusedTime(time: string, latest: string, unit: Precision | undefined): string | undefined {
  if (time.startsWith('-')) return 'the time is before 1970';
  const early = unit !== undefined && isImplausible(time);
  if (!early && compareTimes(time, latest) <= 0) return undefined;
  const hint = unit === undefined ? '' : suggestUnit(countOf(time, unit), unit);
  if (early) return `the time is in the first 21 days of 1970: ${hint || "is the device's clock set?"}`;
  return `the time is too far ahead of the collector's clock${hint && `: ${hint}`}`;
}

/** The same for a time of JSON. A decimal string counts nanoseconds, whatever the precision. */
function explainJsonTime(value: unknown, time: string, { latest, precision }: ReadingRules): string | undefined {
  if (typeof value === 'number') return explainRefusedTime(time, latest, precision);
  if (typeof value !== 'string' || !/^\d+$/.test(value)) return explainRefusedTime(time, latest, undefined);
  const refused = explainRefusedTime(time, latest, 'ns');
  return refused?.includes('?precision=') ? `${refused}, and send a number instead of a string` : refused;
}

/**
 * The contract of `POST /readings` for one stream, as a schema. The collector checks by hand ({@link checkReading}), several
 * times faster; a property test holds the two equal.
 */
export function readingInputSchema(rules: ReadingRules) {
  const shape = Object.fromEntries(rules.fields.map((name) => [name, valueSchema]));
  return inputSchema(timeSchemaOf(rules), z.strictObject(shape));
}

/** The schema of a time for one request. */
export function timeSchemaOf(rules: ReadingRules) {
  return timeSchema.superRefine((value, context) => {
    const read = readTime(value, rules.precision);
    const message = read === null ? explainTime(value, rules.precision) : explainJsonTime(value, read, rules);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

/** The same for any stream: the names of the values are open. */
export function anyReadingInputSchema() {
  return inputSchema(timeSchema, z.record(z.string(), valueSchema));
}

function inputSchema<Time extends z.ZodType, Values extends z.ZodType>(time: Time, values: Values) {
  return z
    .strictObject({
      device: nameSchema.describe('who measured'),
      time: time.describe('when it was measured: from 1970 on, and at most an hour ahead of the collector'),
      values: values.describe('what was measured, by the names of the stream; null or absent is a gap'),
      truth: nameSchema.optional().describe('the true label, when the device knows it; never used to predict'),
      endsSegment: endsSegmentInputSchema,
    })
    .meta({ title: 'ReadingInput' });
}

const valueSchema = z.number().nullable().optional();

/** Whether a device calls its segment whole. */
export const endsSegmentInputSchema = z
  .boolean()
  .optional()
  .describe(
    'whether the segment is whole with this record: windows of the device close without waiting; with no values at all it is nothing but that end',
  );

/** A name of a device or a class. */
export const nameSchema = z
  .string()
  .min(1)
  .max(maxNameLength)
  .refine(isName, { error: nameRule })
  .meta({ pattern: String.raw`^[^\u0000-\u001f\u007f]*[^\u0000-\u001f\u007f\\]$` });

/** A time as devices send it. */
export const timeSchema = z.union([
  z.string().meta({ format: 'date-time' }).describe('RFC 3339 with up to nine decimals'),
  z.string().meta({ pattern: '^[0-9]{1,19}$' }).describe('nanoseconds since the Unix epoch'),
  z.int().meta({ minimum: 0 }).describe('since the Unix epoch, in the unit that ?precision= names'),
]);

/**
 * Checks one reading that `JSON.parse` made. Reports everything that is wrong with it, at pointers below `at`.
 * @returns the reading, or undefined when something was wrong.
 */
export function checkReading(
  input: unknown,
  rules: ReadingRules,
  at: string,
  faults: Faults,
): ReadingInput | undefined {
  if (!isObject(input)) {
    faults.add(at, 'type', `a reading is an object, not ${describe(input)}`);
    return undefined;
  }
  const before = faults.count;
  for (const key in input) {
    if (!keys.includes(key)) {
      const hint = rules.known.has(key) ? '; values go into "values"' : '';
      faults.add(`${at}/${pointerToken(key)}`, 'unknown', `a reading has the keys ${keys.join(', ')}${hint}`);
    }
  }
  const time = checkTime(input, rules, at, faults);
  checkName(input, 'device', at, faults);
  if (input.truth !== undefined) checkName(input, 'truth', at, faults);
  const endsSegment = checkEnd(input.endsSegment, at, faults);
  checkValues(input.values, rules, at, faults);
  if (faults.count > before) return undefined;
  return {
    device: input.device as string,
    time: time as string,
    values: input.values as Record<string, number | null>,
    truth: input.truth as string | undefined,
    endsSegment,
  };
}

/** @returns true where a record ends its segment */
export function checkEnd(value: unknown, at: string, faults: Faults): true | undefined {
  if (value !== undefined && typeof value !== 'boolean')
    faults.add(`${at}/endsSegment`, 'type', `endsSegment is true or false, not ${describe(value)}`);
  return value === true ? true : undefined;
}

/** @returns the time as the log carries it, or null where there was a fault */
export function checkTime(
  input: Record<string, unknown>,
  rules: ReadingRules,
  at: string,
  faults: Faults,
): string | null {
  const value = input.time;
  if (value === undefined) {
    faults.add(`${at}/time`, 'missing', 'a reading has a time');
    return null;
  }
  const time = readTime(value, rules.precision);
  if (time === null) {
    const kind = typeof value === 'string' ? 'format' : typeof value === 'number' ? numberFault(value) : 'type';
    faults.add(`${at}/time`, kind, `${describe(value)}: ${explainTime(value, rules.precision)}`);
    return null;
  }
  const refused = explainJsonTime(value, time, rules);
  if (refused !== undefined) faults.add(`${at}/time`, 'range', `${describe(value)}: ${refused}`);
  return time;
}

function numberFault(value: number): 'non-finite' | 'range' {
  return Number.isFinite(value) ? 'range' : 'non-finite';
}

/** Checks a name that a reading has under a key. */
export function checkName(input: Record<string, unknown>, key: 'device' | 'truth', at: string, faults: Faults): void {
  const value = input[key];
  if (typeof value === 'string') {
    if (!isName(value)) faults.add(`${at}/${key}`, 'format', explainName(value));
  } else if (value === undefined) {
    faults.add(`${at}/${key}`, 'missing', `a reading has a ${key}`);
  } else {
    faults.add(`${at}/${key}`, 'type', `${key} is a string, not ${describe(value)}`);
  }
}

function checkValues(values: unknown, rules: ReadingRules, at: string, faults: Faults): void {
  if (!isObject(values)) {
    const code = values === undefined ? 'missing' : 'type';
    faults.add(
      `${at}/values`,
      code,
      values === undefined ? 'a reading has values' : `values is an object, not ${describe(values)}`,
    );
    return;
  }
  for (const name in values) {
    const value = values[name];
    if (!rules.known.has(name)) {
      rules.unknown?.(name);
      const hint = faults.count < mostHints ? `; ${suggestName(name, rules.fields)}` : '';
      faults.add(`${at}/values/${pointerToken(name)}`, 'unknown', `the stream has no value of this name${hint}`);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) {
        faults.add(`${at}/values/${pointerToken(name)}`, 'non-finite', 'the number is beyond what a double can hold');
      }
    } else if (value !== null) {
      faults.add(`${at}/values/${pointerToken(name)}`, 'type', `a value is a number or null, not ${describe(value)}`);
    }
  }
}

/** A JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of JSON in few words. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  return typeof value === 'object' ? 'an object' : String(value);
}
