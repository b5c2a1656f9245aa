import fc from 'fast-check';
import { expect, test } from 'vitest';
import cases from './time.cases.json' with { type: 'json' };
import {
  compareTimes,
  explainTime,
  formatRfc3339,
  maxTimeNs,
  minTimeNs,
  nanosecondsOfMs,
  type Precision,
  readTime,
} from './time.ts';

test.each(cases.rfc3339 as [string, string | null][])('RFC 3339 %j is %j', (text, expected) => {
  expect(readTime(text, 'ms')).toBe(expected);
  if (expected === null) expect(explainTime(text)).toMatch(/\w/);
});

test.each(cases.decimal as [string, string | null][])(
  'the decimal string %j is %j, whatever the precision',
  (text, expected) => {
    expect(readTime(text, 's')).toBe(expected);
  },
);

test.each(cases.integer as [unknown, Precision, string | null][])('%j in %s is %j', (value, precision, expected) => {
  expect(readTime(value, precision)).toBe(expected);
  if (expected === null) expect(explainTime(value)).toMatch(/\w/);
});

test('numbers that JSON cannot carry are no times', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(readTime(value, 'ns')).toBeNull();
    expect(explainTime(value)).toContain('double');
  }
});

const nanoseconds = fc.bigInt({ min: minTimeNs, max: maxTimeNs });

test('every time that can be held is read back from its decimal string, and from RFC 3339 in any offset', () => {
  fc.assert(
    fc.property(nanoseconds, fc.integer({ min: -1439, max: 1439 }), (ns, offset) => {
      expect(readTime(ns.toString(), 's')).toBe(ns.toString());
      expect(readTime(rfc3339(ns, offset), 's')).toBe(ns.toString());
    }),
    { numRuns: 2_000 },
  );
});

test('a date is taken exactly when the calendar has it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1700, max: 2200 }), fc.nat(15), fc.nat(35), (year, month, day) => {
      const text = `${year}-${two(month)}-${two(day)}T00:00:00Z`;
      const date = new Date(Date.UTC(year, month - 1, day));
      const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
      expect(readTime(text, 'ns')).toBe(exists ? nanosecondsOfMs(date.getTime()) : null);
    }),
    { numRuns: 2_000 },
  );
});

test('times compare as the integers that they are', () => {
  fc.assert(
    fc.property(nanoseconds, nanoseconds, (left, right) => {
      expect(Math.sign(compareTimes(left.toString(), right.toString()))).toBe(left < right ? -1 : left > right ? 1 : 0);
    }),
  );
});

/** An independent way: the calendar of `Date`, the offset added to the clock. */
function rfc3339(ns: bigint, offsetMinutes: number): string {
  const shifted = ns + BigInt(offsetMinutes) * 60_000_000_000n;
  const fraction = ((shifted % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (shifted - fraction) / 1_000_000_000n;
  const local = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19);
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  const offset = offsetMinutes === 0 ? 'Z' : `${offsetMinutes < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
  return `${local}.${fraction.toString().padStart(9, '0')}${offset}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

test('a time is written in RFC 3339 and read back', () => {
  expect(formatRfc3339('0')).toBe('1970-01-01T00:00:00Z');
  expect(formatRfc3339('-1')).toBe('1969-12-31T23:59:59.999999999Z');
  expect(formatRfc3339('1700000000120000000')).toBe('2023-11-14T22:13:20.12Z');
  fc.assert(
    fc.property(nanoseconds, (time) => {
      expect(readTime(formatRfc3339(time.toString()), 'ns')).toBe(time.toString());
    }),
  );
});
