import { explainTime, maxTimeNs, minTimeNs, readRfc3339 } from '../wire/time.ts';

/** What a time that is a number counts. `excel`: days since 1899-12-30, as spreadsheets store dates. */
export const timeUnits = ['s', 'ms', 'us', 'ns', 'excel'] as const;
export type TimeUnit = (typeof timeUnits)[number];

export const timeUnitNames: Record<TimeUnit, string> = {
  s: 'seconds since 1970',
  ms: 'milliseconds since 1970',
  us: 'microseconds since 1970',
  ns: 'nanoseconds since 1970',
  excel: "days since 1899-12-30 (a spreadsheet's serial date)",
};

/** Nanoseconds of one unit, as a power of ten. */
const decimalsOf: Record<Exclude<TimeUnit, 'excel'>, number> = { s: 9, ms: 6, us: 3, ns: 0 };
const numeric = /^([+-]?)(\d{1,20})(?:[.,](\d*))?$/;

/** True for a time that is written as a number. */
export const isNumericTime = (cell: string): boolean => numeric.test(cell);

/**
 * The unit that the size of a number speaks for: each covers the years 1973 to 5138, so that no two fit. Numbers from 20,000 to
 * 80,000 are days of a spreadsheet from 1954 to 2119.
 */
export function unitBySize(value: number): TimeUnit {
  const size = Math.abs(value);
  if (size >= 20_000 && size <= 80_000) return 'excel';
  if (size < 1e11) return 's';
  if (size < 1e14) return 'ms';
  return size < 1e17 ? 'us' : 'ns';
}

/** Whether a number is a likely date in the unit of its size: from 1973 on, or a serial date. */
export const isLikelyEpoch = (value: number): boolean => value >= 1e8 || (value >= 20_000 && value <= 80_000);

/** A time that is a number, in nanoseconds since the epoch; undefined where it is none or out of range. */
export function readNumericTime(cell: string, unit: TimeUnit): bigint | undefined {
  const parts = numeric.exec(cell);
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = ''] = parts;
  if (unit === 'excel') {
    const days = Number(`${whole}.${fraction}0`);
    // To the millisecond: a double of days holds no more.
    return sign === '-' ? undefined : BigInt(Math.round((days - 25_569) * 86_400_000)) * 1_000_000n;
  }
  const decimals = decimalsOf[unit];
  const ns = BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0'));
  return inRange(sign === '-' ? -ns : ns);
}

const inRange = (ns: bigint): bigint | undefined => (ns < minTimeNs || ns > maxTimeNs ? undefined : ns);

const yearFirst =
  /^(\d{4})([-/.])(\d\d?)\2(\d\d?)(?:[Tt ,]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;
const dayFirst =
  /^(\d\d?)\.(\d\d?)\.(\d{4})(?:[Tt ,]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;

const two = (digits = '0'): string => digits.padStart(2, '0');

/**
 * A date and time as people write it, as RFC 3339; without an offset it is UTC. Year first, with dashes, slashes or points; or day
 * first with points. Undefined where a cell looks like none of these.
 */
function asRfc3339(cell: string): string | undefined {
  if (cell.length < 8 || cell.length > 64) return undefined;
  let parts = yearFirst.exec(cell);
  let [year, month, day] = [parts?.[1], parts?.[3], parts?.[4]];
  let rest = parts?.slice(5) ?? [];
  if (parts === null) {
    parts = dayFirst.exec(cell);
    if (parts === null) return undefined;
    [day, month, year] = [parts[1], parts[2], parts[3]];
    rest = parts.slice(4);
  }
  const [hour, minute, second, fraction, offset] = rest;
  const time = `${two(hour)}:${two(minute)}:${two(second)}${fraction ? `.${fraction.slice(0, 9)}` : ''}`;
  return `${year}-${two(month)}-${two(day)}T${time}${offsetOf(offset)}`;
}

function offsetOf(offset: string | undefined): string {
  if (offset === undefined || !/^[+-]/.test(offset)) return 'Z';
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  return `${offset[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

/** Whether a cell has the form of a date, that it exists or not. */
export const looksLikeTime = (cell: string): boolean => asRfc3339(cell) !== undefined;

/** Whether a time says which offset it is at. */
export const hasOffset = (cell: string): boolean => /(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$/i.test(cell.slice(10));

/** A time that is text, in nanoseconds since the epoch; undefined where it is none, {@link explainTimeCell} says why. */
export function readTextTime(cell: string): bigint | undefined {
  const text = asRfc3339(cell);
  const ns = text === undefined ? null : readRfc3339(text);
  return ns === null ? undefined : BigInt(ns);
}

/** Why a cell is no time. */
export function explainTimeCell(cell: string): string {
  const text = asRfc3339(cell);
  if (text !== undefined) return explainTime(text);
  if (isNumericTime(cell)) return explainTime('9'.repeat(30));
  if (/^\d\d?[/-]\d\d?[/-]\d{2,4}/.test(cell))
    return 'day and month cannot be told apart; write the year first: 2026-01-31 12:00:00';
  return 'not a time such as 2026-01-31 12:00:00, 2026-01-31T12:00:00.5+01:00, or a number since 1970';
}

/** Nanoseconds since the epoch as RFC 3339 in UTC, with as many decimals as it takes. */
export function formatTime(ns: bigint): string {
  const whole = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const rest = ns - whole * 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${new Date(Number(whole) * 1_000).toISOString().slice(0, 19)}${fraction}Z`;
}
