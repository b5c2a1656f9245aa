import { explainTime, maxTimeNs, minTimeNs, readRfc3339 } from '../wire/time.ts';
import { isTimeOfDay } from './clock-cell.ts';

/**
 * What a time that is a number counts. `excel`: days since 1899-12-30, as spreadsheets store dates. `date`: nothing; its digits are year,
 * month and day, and perhaps hour, minute and second.
 */
export const timeUnits = ['s', 'ms', 'us', 'ns', 'excel', 'date'] as const;
export type TimeUnit = (typeof timeUnits)[number];

export const timeUnitNames: Record<TimeUnit, string> = {
  s: 'seconds since 1970',
  ms: 'milliseconds since 1970',
  us: 'microseconds since 1970',
  ns: 'nanoseconds since 1970',
  excel: "days since 1899-12-30 (a spreadsheet's serial date)",
  date: 'dates written in digits alone',
};

/** Nanoseconds of one unit, as a power of ten. */
const decimalsOf: Record<Exclude<TimeUnit, 'excel' | 'date'>, number> = { s: 9, ms: 6, us: 3, ns: 0 };
const numeric = /^([+-]?)(\d{1,20})(?:[.,](\d*))?$/;

/** True for a time that is written as a number. */
export const isNumericTime = (cell: string): boolean => numeric.test(cell);

/**
 * The unit that the size of a number speaks for: each covers the years 1973 to 5138, so that no two fit. Numbers from 20,000 to
 * 80,000 are days of a spreadsheet from 1954 to 2119. Numbers that are dates when their digits are read (20260131) are taken as such: in
 * seconds they would be of 1970, in milliseconds after 2600.
 */
export function unitBySize(value: number): TimeUnit {
  const size = Math.abs(value);
  if (isDateInDigits(value)) return 'date';
  if (size >= 20_000 && size <= 80_000) return 'excel';
  if (size < 1e11) return 's';
  if (size < 1e14) return 'ms';
  return size < 1e17 ? 'us' : 'ns';
}

/** Whether a number is a likely date in the unit of its size: from 1973 on, or a serial date. */
export const isLikelyEpoch = (value: number): boolean =>
  value >= 1e8 || (value >= 20_000 && value <= 80_000) || isDateInDigits(value);

const digitDate = /^((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:([01]\d|2[0-3])([0-5]\d)([0-5]\d)?)?$/;

/** Whether a number is a date of 1900 to 2099 when its digits are read: 20260131, 202601311200 or 20260131120000. */
export const isDateInDigits = (value: number): boolean => digitDate.test(String(value));

/** A day whose digits are read, with dashes: 20260131 is 2026-01-31. */
export const dashed = (cell: string): string => cell.replace(digitDate, '$1-$2-$3');

/** A time that is a number, in nanoseconds since the epoch; undefined where it is none or out of range. */
export function readNumericTime(cell: string, unit: TimeUnit): bigint | undefined {
  const parts = numeric.exec(cell);
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = ''] = parts;
  if (unit === 'date') {
    const [, year, month, day, ...rest] = digitDate.exec(whole) ?? [];
    return readTextTime(dated([year, month, day], rest) ?? '');
  }
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

/** Which of 03/04/2026 is the day; the whole column has one order. */
export type DateOrder = 'day first' | 'month first';

const clock = String.raw`(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:\s*([AaPp])\.?[Mm]\.?)?`;
const tail = String.raw`(?:(?:[Tt ,]|, )\s*${clock})?\s*(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$`;
const yearFirst = new RegExp(String.raw`^(\d{4})([-/.])(\d\d?)\2(\d\d?)${tail}`);
const pointed = new RegExp(String.raw`^(\d\d?)(\.)(\d\d?)\.(\d{4}|\d\d)${tail}`);
const slashed = new RegExp(String.raw`^(\d\d?)([/-])(\d\d?)\2(\d{4}|\d\d)${tail}`);
const dayAndName = new RegExp(String.raw`^(\d\d?)([-/ .])[ ]?(\p{L}{3,9})\.?[-/ ,]{1,2}(\d{4}|\d\d)${tail}`, 'u');
const nameAndDay = new RegExp(String.raw`^(\p{L}{3,9})(\.? )(\d\d?),? (\d{4})${tail}`, 'u');
const packed = /^(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(?:(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const two = (digits = '0'): string => digits.padStart(2, '0');

/** The number of a month by its English name, whole or its first three letters; undefined where it is none. */
function monthOf(name = ''): string | undefined {
  const month = monthNames.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  return month === 0 ? undefined : String(month);
}

/**
 * A date and time as people write it, as RFC 3339; without an offset it is UTC. Year first, with dashes, slashes or points; day first with
 * points; with the name of the month; or with slashes in the order that is given. Undefined where a cell looks like none of these.
 */
function asRfc3339(cell: string, order: DateOrder): string | undefined {
  if (cell.length < 6 || cell.length > 64) return undefined;
  const digit = (at: number) => cell.charCodeAt(at) >= 48 && cell.charCodeAt(at) <= 57;
  if (!digit(0)) {
    const [, month, , day, year, ...rest] = nameAndDay.exec(cell) ?? [];
    return dated([year, monthOf(month), day], rest);
  }
  if (digit(1) && digit(2) && digit(3)) {
    const [, year, mark, month, day, ...rest] = yearFirst.exec(cell) ?? [];
    if (mark !== undefined) return dated([year, month, day], rest);
    const [, packedYear, packedMonth, packedDay, hour, minute, second, fraction, offset] = packed.exec(cell) ?? [];
    return dated([packedYear, packedMonth, packedDay], [hour, minute, second, fraction, undefined, offset]);
  }
  const parts = pointed.exec(cell) ?? slashed.exec(cell);
  if (parts !== null) {
    const [, first, mark, second, year, ...rest] = parts;
    // 18.30.00 is a time of day.
    if (mark === '.' && year?.length === 2 && !(isUpTo(first, 31) && isUpTo(second, 12))) return undefined;
    const monthFirst = mark !== '.' && order === 'month first';
    return dated([year, monthFirst ? first : second, monthFirst ? second : first], rest);
  }
  const [, day, , month, year, ...rest] = dayAndName.exec(cell) ?? [];
  return dated([year, monthOf(month), day], rest);
}

const isUpTo = (digits: string | undefined, most: number): boolean => Number(digits) >= 1 && Number(digits) <= most;

type Parts = readonly (string | undefined)[];

/** @param clock - hour, minute, second, fraction, the letter of AM or PM, offset */
function dated([year, month, day]: Parts, [hour, minute, second, fraction, half, offset]: Parts): string | undefined {
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const time = `${two(hourOf(hour, half))}:${two(minute)}:${two(second)}${fraction ? `.${fraction.slice(0, 9)}` : ''}`;
  return `${fourDigits(year)}-${two(month)}-${two(day)}T${time}${offsetOf(offset)}`;
}

/** Years of two digits are of 1969 to 2068, as in POSIX. */
const fourDigits = (year: string): string => (year.length === 4 ? year : `${Number(year) < 69 ? 20 : 19}${year}`);

const shortYear = /^(\d\d?)([-/.])(\d\d?)\2(\d\d)(?!\d)/;

/**
 * What stands first and last in a date whose year has two digits: by convention the year is last, but `26-01-31` and `26/01/31` are
 * written too. Undefined for every other cell.
 */
export function shortDateOf(cell: string): { readonly first: string; readonly last: string } | undefined {
  const [, first, , , last] = shortYear.exec(cell) ?? [];
  return first === undefined || last === undefined ? undefined : { first, last };
}

/** Of 24: 12 AM is 0, 1 PM is 13. */
function hourOf(hour: string | undefined, half: string | undefined): string | undefined {
  if (half === undefined || hour === undefined) return hour;
  const late = half.toLowerCase() === 'p' ? 12 : 0;
  return Number(hour) > 12 ? '99' : String((Number(hour) % 12) + late);
}

/** The order of day and month that a date with slashes or dashes proves; undefined where it proves none or has no such order. */
export function orderOf(cell: string): DateOrder | 'either' | undefined {
  const parts = slashed.exec(cell);
  if (parts === null) return undefined;
  if (Number(parts[1]) > 12) return 'day first';
  return Number(parts[3]) > 12 ? 'month first' : 'either';
}

function offsetOf(offset: string | undefined): string {
  if (offset === undefined || !/^[+-]/.test(offset)) return 'Z';
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  return `${offset[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

/** Whether a cell has the form of a date, that it exists or not. */
export const looksLikeTime = (cell: string): boolean => asRfc3339(cell, 'day first') !== undefined;

/** Whether a time says which offset it is at. */
export const hasOffset = (cell: string): boolean => /(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)$/i.test(cell.slice(10));

/** A time that is text, in nanoseconds since the epoch; undefined where it is none, {@link explainTimeCell} says why. */
export function readTextTime(cell: string, order: DateOrder = 'day first'): bigint | undefined {
  const text = asRfc3339(cell, order);
  const ns = text === undefined ? null : readRfc3339(text);
  return ns === null ? undefined : BigInt(ns);
}

/** Why a cell is no time. @param order - of day and month in its column; undefined where no cell proves one */
export function explainTimeCell(cell: string, order?: DateOrder): string {
  if (order === undefined && orderOf(cell) !== undefined)
    return 'day and month cannot be told apart; write the year first: 2026-01-31 12:00:00';
  const text = asRfc3339(cell, order ?? 'day first');
  if (text !== undefined) return explainTime(text);
  if (isNumericTime(cell)) return explainTime('9'.repeat(30));
  if (/^\d[.,]\d+E\+\d\d$/i.test(cell)) return 'a spreadsheet has rounded it; write all of its digits';
  if (isTimeOfDay(cell)) return 'the date is missing';
  return 'not a time such as 2026-01-31 12:00:00, 2026-01-31T12:00:00.5+01:00, or a number since 1970';
}

/** Nanoseconds since the epoch as RFC 3339 in UTC, with as many decimals as it takes. */
export function formatTime(ns: bigint): string {
  const whole = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const rest = ns - whole * 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${new Date(Number(whole) * 1_000).toISOString().slice(0, 19)}${fraction}Z`;
}
