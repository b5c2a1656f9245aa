/** Units of a timestamp without a unit of its own, as InfluxDB names them. */
export const precisions = ['ns', 'us', 'ms', 's'] as const;
export type Precision = (typeof precisions)[number];

export function isPrecision(text: string): text is Precision {
  return (precisions as readonly string[]).includes(text);
}

/** The first and last time that Gapline and InfluxDB can hold, in nanoseconds since the Unix epoch (1677-09-21 to 2262-04-11). */
export const minTimeNs = -9223372036854775806n;
export const maxTimeNs = 9223372036854775806n;

const nsPerUnit: Record<Precision, bigint> = { ns: 1n, us: 1_000n, ms: 1_000_000n, s: 1_000_000_000n };
const maxTimeText = maxTimeNs.toString();
const rangeText = 'a time is between 1677-09-21T00:12:43.145224194Z and 2262-04-11T23:47:16.854775806Z';

/**
 * Reads a time as devices send it: RFC 3339 with up to nine decimals, nanoseconds since the Unix epoch as a decimal string,
 * or a JSON integer within 2^53 in units of `precision`.
 * @returns nanoseconds since the epoch as a canonical decimal string, or null; {@link explainTime} then reports why.
 */
export function readTime(value: unknown, precision: Precision): string | null {
  if (typeof value === 'string') {
    if (isCanonicalNs(value)) return value;
    return /^-?\d+$/.test(value) ? inRange(value.length > 40 ? null : BigInt(value)) : readRfc3339(value);
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return null;
  return inRange(BigInt(value) * nsPerUnit[precision]);
}

/** Why {@link readTime} refused a value, for people; with a precision, it names the unit that the value more likely counts. */
export function explainTime(value: unknown, precision?: Precision): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return 'the number is beyond what a double can hold';
    if (!Number.isInteger(value)) return 'a time as a number is an integer';
    if (!Number.isSafeInteger(value))
      return 'a time as a number stays below 2^53; send larger ones as a decimal string';
    const hint = precision === undefined ? '' : suggestUnit(BigInt(value), precision);
    return hint === '' ? rangeText : `${rangeText}: ${hint}`;
  }
  if (typeof value !== 'string') return 'a time is RFC 3339, a decimal string of nanoseconds, or an integer';
  if (/^-?\d+$/.test(value)) return rangeText;
  const parts = rfc3339.exec(value);
  if (parts === null) return 'not RFC 3339 (like 2026-01-31T12:00:00.123456789Z), nor a decimal string of nanoseconds';
  return readFields(parts) === null ? 'there is no such date, time of day or offset' : rangeText;
}

/** 21 days: what the nanoseconds of a day in this century are, taken for the next larger unit, or seconds for milliseconds. */
const implausibleNs = '1814400000000000';

/**
 * Whether an integer without a unit of its own gave a time in the first 21 days of 1970. No device measured then: its clock is not set, or
 * the integer counts another unit.
 * @param time nanoseconds since the epoch, as a canonical decimal string
 */
export function isImplausible(time: string): boolean {
  return time.length < implausibleNs.length || (time.length === implausibleNs.length && time < implausibleNs);
}

/** The unit that an integer counts, by its size, if it is a time of this century: seconds from 1973 to 5138, and so on. */
export function likelyUnit(value: bigint): Precision | undefined {
  if (value < 100_000_000n) return undefined;
  if (value < 100_000_000_000n) return 's';
  if (value < 100_000_000_000_000n) return 'ms';
  return value < 100_000_000_000_000_000n ? 'us' : 'ns';
}

/** Which unit to name, where an integer that was read as `precision` gave an unlikely time; empty where its size tells none. */
export function suggestUnit(value: bigint, precision: Precision): string {
  const unit = likelyUnit(value);
  return unit === undefined || unit === precision ? '' : `${unitNames[unit]}? use ?precision=${unit}`;
}

/** The integer that gave a time. */
export function countOf(time: string, precision: Precision): bigint {
  return BigInt(time) / nsPerUnit[precision];
}

const unitNames: Record<Precision, string> = {
  ns: 'nanoseconds',
  us: 'microseconds',
  ms: 'milliseconds',
  s: 'seconds',
};

/**
 * Reads an RFC 3339 date and time; the date has to exist, and leap seconds have no place in Unix time.
 * @returns nanoseconds since the epoch as a decimal string, or null.
 */
export function readRfc3339(text: string): string | null {
  if (text.length > 64) return null;
  const parts = rfc3339.exec(text);
  return parts === null ? null : inRange(readFields(parts));
}

/** Compares two times given as canonical decimal strings. */
export function compareTimes(left: string, right: string): number {
  if (left === right) return 0;
  if (left.startsWith('-') || right.startsWith('-')) return BigInt(left) < BigInt(right) ? -1 : 1;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : 1;
}

/** Nanoseconds since the epoch, as a decimal string, in RFC 3339 and UTC: {@link readRfc3339} reads it back. As many decimals as are needed. */
export function formatRfc3339(time: string): string {
  const nanoseconds = BigInt(time);
  const second = 1_000_000_000n;
  const fraction = ((nanoseconds % second) + second) % second;
  const seconds = Number((nanoseconds - fraction) / second);
  const decimals = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}${decimals}Z`;
}

/** Milliseconds since the epoch as nanoseconds. */
export function nanosecondsOfMs(ms: number): string {
  return Number.isSafeInteger(ms) && ms > 0 ? `${ms}000000` : (BigInt(Math.trunc(ms)) * 1_000_000n).toString();
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

function readFields(parts: RegExpExecArray): bigint | null {
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const [hour, minute, second] = [Number(parts[4]), Number(parts[5]), Number(parts[6])];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  let offsetMinutes = 0;
  if (parts[8] !== undefined) {
    const [hours, minutes] = [Number(parts[9]), Number(parts[10])];
    if (hours > 23 || minutes > 59) return null;
    offsetMinutes = (parts[8] === '-' ? -1 : 1) * (hours * 60 + minutes);
  }
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const seconds = midnight.getTime() / 1000 + hour * 3600 + (minute - offsetMinutes) * 60 + second;
  return BigInt(seconds) * 1_000_000_000n + BigInt((parts[7] ?? '').padEnd(9, '0'));
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The form that the log carries, and the one that costs nothing: digits, no leading zero, within range. */
function isCanonicalNs(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > maxTimeText.length) return false;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  if (text.charCodeAt(0) === 0x30) return length === 1;
  return length < maxTimeText.length || text <= maxTimeText;
}

function inRange(ns: bigint | null): string | null {
  return ns === null || ns < minTimeNs || ns > maxTimeNs ? null : ns.toString();
}
