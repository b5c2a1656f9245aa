import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Precision } from '../../core/wire/time.ts';
import cases from './parse.cases.json' with { type: 'json' };
import { parseLines } from './parse.ts';

interface Case {
  readonly name: string;
  readonly body: string;
  readonly precision?: Precision;
  /** InfluxDB 2.7's message about the bad lines. */
  readonly failures?: string;
  /** What InfluxDB 2.7 makes of the good lines. */
  readonly points: {
    measurement: string;
    tags: object;
    fields: [string, number | boolean | string][];
    time?: string;
  }[];
}

test.each(cases as Case[])('$name', ({ body, precision = 'ns', failures = '', points }) => {
  const parsed = parseLines(body, { precision, maxPoints: 100 });
  expect(parsed.failures.join('\n')).toBe(failures);
  const seen = parsed.points.map(({ measurement, tags, fields, time }) => ({
    measurement,
    tags: Object.fromEntries(tags),
    fields: fields.map(({ name, value }) => [name, value]),
    ...(time !== undefined && { time }),
  }));
  expect(seen).toEqual(points);
});

test('keys longer than InfluxDB takes are refused, by bytes', () => {
  const [body] = [`m,device=${'ü'.repeat(33_000)} a=1`];
  expect(parseLines(body, { precision: 'ns', maxPoints: 1 }).failures[0]).toContain(
    'max key length exceeded: 66009 > 65535',
  );
  expect(parseLines(`m,device=d ${'k'.repeat(65_530)}=1`, { precision: 'ns', maxPoints: 1 }).failures).toHaveLength(1);
});

test('reading stops at the bound, and errors are bounded in number and length', () => {
  expect(parseLines('m a=1\n'.repeat(11), { precision: 'ns', maxPoints: 10 })).toMatchObject({ tooMany: true });
  const { failures } = parseLines(`${'x'.repeat(5_000)}\n`.repeat(100), { precision: 'ns', maxPoints: 100 });
  expect(failures).toHaveLength(20);
  expect(failures[0]?.length).toBeLessThan(1_200);
});

test('text that is escaped as the protocol demands is parsed to the original', () => {
  // A backslash before one of the escaped characters, or at the end, cannot be written in line protocol.
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[\\\n\0\t]/.test(text) && text.isWellFormed());
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
  );
  const fields = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(name, fields, fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (device, entries, time) => {
      const body = `m,device=${escapeKey(device)} ${entries.map(([key, entry]) => `${escapeKey(key)}=${show(entry)}`).join(',')} ${time}`;
      const { points, failures } = parseLines(body, { precision: 'ns', maxPoints: 2 });
      expect(failures).toEqual([]);
      expect(points[0]?.tags.get('device')).toBe(device);
      expect(points[0]?.fields.map(({ name: key, value: entry }) => [key, entry])).toEqual(entries);
      expect(points[0]?.time).toBe(time.toString());
    }),
    { numRuns: 500 },
  );
});

function escapeKey(text: string): string {
  return text.replace(/[, =]/g, '\\$&');
}

function show(value: number | boolean | string): string {
  return typeof value === 'string' ? `"${value.replace(/[\\"]/g, '\\$&')}"` : String(value);
}

test('any text gives points or failures, and never an exception', () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom(...'m,= \\"\n#i1-.e'), fc.string()), { maxLength: 40 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const { points, failures } = parseLines(parts.join(''), { precision: 's', maxPoints: 100 });
      expect(points.length + failures.length).toBeLessThanOrEqual(parts.join('').split('\n').length);
    }),
    { numRuns: 3_000 },
  );
});
