import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonNumberScanner } from './scan-json-numbers.ts';

const scanner = new JsonNumberScanner();

function scan(text: string) {
  const bytes = Buffer.from(`:${text};`);
  const into = new Float64Array(bytes.length + 2).fill(7);
  const end = scanner.array(bytes, 1, into, 1);
  if (end < 0) return undefined;
  expect(end).toBe(bytes.length - 1);
  expect([into[0], into[scanner.length + 1]]).toEqual([7, 7]);
  return Array.from(into.subarray(1, scanner.length + 1));
}

const written = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? '-0' : `${value}`)),
  fc.tuple(fc.integer(), fc.nat({ max: 999_999 })).map(([whole, part]) => `${whole}.${part}`),
  fc.integer({ min: -30_000, max: 30_000 }).map((value) => `${value / 10_000}`),
  fc.maxSafeInteger().map(String),
  fc.constantFrom('null', '-0.0', '1E5', '1e-7', '0.1000', '999999999', '9999999999', '0.30000000000000004', '5e-324'),
);

test('an array is read as JSON.parse reads it, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 20 }), (cells) => {
      const text = `[${cells.join(',')}]`;
      const wanted = (JSON.parse(text) as (number | null)[]).map((value) => value ?? Number.NaN);
      const found = scan(text);
      expect(found).toHaveLength(wanted.length);
      expect(found?.every((value, at) => Object.is(value, wanted[at]))).toBe(true);
      expect(scanner.present).toBe(wanted.filter((value) => !Number.isNaN(value)).length);
    }),
    { numRuns: 1_000 },
  );
});

test('whatever else comes is read as JSON.parse reads it, or not at all', () => {
  const pieces = fc.constantFrom(...'[],-+.0e1n" '.split(''), 'null', '[1]', '12.5');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (inner) => {
      const text = `[${inner.join('')}]`;
      const bytes = Buffer.from(text);
      const into = new Float64Array(bytes.length);
      const end = scanner.array(bytes, 0, into, 0);
      if (end < 0) return;
      const parsed = JSON.parse(text.slice(0, end)) as unknown[];
      expect(Array.from(into.subarray(0, scanner.length))).toEqual(parsed.map((value) => value ?? Number.NaN));
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  '[1',
  '[1,]',
  '[,1]',
  '[1 ]',
  '[01]',
  '[-]',
  '[1.]',
  '[.5]',
  '[+1]',
  '[1e999]',
  '["1"]',
  '[[1]]',
  '[nul]',
  '1',
])('%s is not read', (text) => {
  expect(scanner.array(Buffer.from(text), 0, new Float64Array(8), 0)).toBe(-1);
});
