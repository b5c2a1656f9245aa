import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecimalScanner } from './scan-decimals.ts';

const scanner = new DecimalScanner();

const read = (text: string, most = 5_000): number[] => {
  const into = new Float64Array(most).fill(7);
  const count = scanner.read(Buffer.from(text), into, 0, most);
  expect(into.subarray(count).every((value) => value === 7)).toBe(true);
  return [...into.subarray(0, count)];
};

/** The same, cell by cell. */
const expected = (text: string): number[] => text.split(',').map((cell) => (cell === '' ? Number.NaN : Number(cell)));

const digits = (most: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: most }).map((all) => all.join(''));

const cells = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.integer(), fc.integer({ min: 0, max: 9 })).map(([n, d]) => String(n / 10 ** d)) },
  { weight: 4, arbitrary: fc.double().map(String) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('', '-'), digits(18), fc.constantFrom('', '.'), digits(18))
      .map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '.',
      '-',
      '-.',
      '1.',
      '.5',
      '-0',
      '00',
      '+1',
      '1e5',
      '1-',
      '1.2.3',
      '--1',
      '1.-2',
      ' 1',
      '\u00a01',
      '0x10',
      'é',
      'NaN',
      'Infinity',
      '123456789012345',
      '1234567890123456',
    ),
  },
  { weight: 1, arbitrary: fc.string().map((text) => text.replaceAll(/[,\ud800-\udfff]/g, '')) },
);

test('every cell is the number that JavaScript reads, and an empty one is NaN', () => {
  fc.assert(
    fc.property(fc.array(cells, { minLength: 1, maxLength: 60 }), (all) => {
      const text = all.join(',');
      expect(read(text)).toEqual(expected(text));
    }),
    { numRuns: 2_000 },
  );
});

test('plain numbers are read bit by bit as JSON has them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -(10 ** 14), max: 10 ** 14 }), fc.integer({ min: 0, max: 14 })), {
        minLength: 1,
      }),
      (all) => {
        const values = all.map(([integer, decimals]) => integer / 10 ** decimals);
        expect(read(values.join(','))).toEqual(JSON.parse(JSON.stringify(values)).map((value: number) => value + 0));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a text may be long, and of more cells than are wanted those behind are left out', () => {
  const values = Array.from({ length: 100_000 }, (_, index) =>
    index % 9 === 0 ? Number.NaN : (index - 50_000) / 1_024,
  );
  const text = values.map((value) => (Number.isNaN(value) ? '' : value)).join(',');
  expect(read(text, 100_000)).toEqual(values);
  expect(read(text, 3_000)).toEqual(values.slice(0, 3_000));
  expect(read('1,2,3', 2)).toEqual([1, 2]);
  expect(read('', 5)).toEqual([Number.NaN]);
});

test('numbers go where they are wanted', () => {
  const into = new Float64Array(6);
  expect(scanner.read(Buffer.from('5,,6'), into, 2)).toBe(3);
  expect([...into]).toEqual([0, 0, 5, Number.NaN, 6, 0]);
  expect([...scanner.numbers('1,,-2.5', 5)]).toEqual([1, Number.NaN, -2.5, Number.NaN, Number.NaN]);
  expect([...scanner.numbers('1,2', 1)]).toEqual([1]);
});
