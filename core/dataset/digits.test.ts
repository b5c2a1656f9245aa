import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CellDigits, shapes } from './digits.ts';

const digits = new CellDigits();

/** What the digits at the front of a text are, or undefined where they are left to another reader. */
function read(text: string): { point: number; comma: number } | undefined {
  const end = digits.read(Buffer.from(`${text}\n`), 0, 0x3b, 0);
  if (digits.shapes[0] === shapes.unread || end < text.length) return undefined;
  return { point: digits.number(0, '.'), comma: digits.number(0, ',') };
}

const text = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.stringMatching(/^\d{0,13}$/),
    fc.constantFrom('', '.', ','),
    fc.stringMatching(/^\d{0,13}$/),
  )
  .map(([sign, whole, separator, fraction]) => `${sign}${whole}${separator}${separator === '' ? '' : fraction}`);

it('digits are the number that the language reads, to the last bit, whichever separator they have', () => {
  let kept = 0;
  fc.assert(
    fc.property(text, (cell) => {
      const found = read(cell);
      if (found === undefined) return;
      kept += 1;
      const expected = Number(cell.replace(',', '.'));
      expect(cell.includes(',') ? found.comma : found.point).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
  expect(kept).toBeGreaterThan(12_000);
});

it('a measurement of 15 to 18 digits is read to the last bit, and nearly each is read here', () => {
  let kept = 0;
  const wide = fc.tuple(fc.integer({ min: 0, max: 999_999 }), fc.bigInt({ min: 10n ** 9n, max: 10n ** 12n - 1n }));
  fc.assert(
    fc.property(wide, ([whole, fraction]) => {
      const cell = `${whole}.${fraction}`;
      const found = read(cell);
      if (found === undefined) return;
      kept += 1;
      expect(found.point).toBe(Number(cell));
    }),
    { numRuns: 20_000 },
  );
  expect(kept).toBeGreaterThan(19_900);
});

it('doubles that are printed are read back', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-4, max: 1e12, noNaN: true }), (value) => {
      const found = read(String(value));
      if (found) expect(found.point).toBe(value);
    }),
    { numRuns: 20_000 },
  );
});

it.each([
  ['1,234', { point: 1234, comma: 1.234 }],
  ['-12.345', { point: -12.345, comma: -12345 }],
  ['0,123', { point: Number.NaN, comma: 0.123 }],
  ['27,08', { point: Number.NaN, comma: 27.08 }],
  ['7.', { point: 7, comma: Number.NaN }],
  ['.5', { point: 0.5, comma: Number.NaN }],
])('%s has one number with a decimal point and one with a comma', (cell, expected) => {
  expect(read(cell)).toMatchObject(expected);
});

it.each(['', '-', '.', ',', '7,', 'hot', '1234567890123456789', '0.00000000000000000000001'])(
  '"%s" is left to be read from its bytes',
  (cell) => expect(read(cell)).toBeUndefined(),
);
