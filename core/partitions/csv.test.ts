import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvCell } from '../dataset/csv-writer.ts';
import { mulberry32 } from '../numeric/random/mulberry32.ts';
import { formatRfc3339 } from '../wire/time.ts';
import { fromCsv, toCsv } from './csv.ts';
import { CsvBytes } from './csv-bytes.ts';
import type { ObjectRows } from './rows.ts';
import { columnsOf, emptyRows } from './rows.ts';
import { rowsOf, shapes } from './testing.ts';

/** Cell by cell. */
function plainCsv({ device, columns, count, times, values, truths, truth, ends }: ObjectRows): string {
  const cell = (value = Number.NaN) => (Number.isNaN(value) ? '' : Object.is(value, -0) ? '-0' : String(value));
  const rows = Array.from({ length: count }, (_, row) => [
    ...[csvCell(device), formatRfc3339(String(times[row]))],
    ...values.map((column) => cell(column[row])),
    ...[csvCell(truths[truth[row] ?? -1] ?? ''), ends[row] === 1 ? 'true' : ''],
  ]);
  const names = ['device', 'time', ...columns.map(({ name }) => csvCell(name)), 'truth', 'endsSegment'];
  return [names, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

test('bytes are those that are made cell by cell, and are read back bit by bit', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), (shape, seed) => {
      const rows = rowsOf(shape, mulberry32(seed));
      const bytes = toCsv(rows);
      expect(Buffer.from(bytes).toString()).toBe(plainCsv(rows));
      expect(fromCsv('rows.csv', bytes, rows.columns, rows.count)).toEqual(rows);
    }),
    { numRuns: 80 },
  );
}, 60_000);

test('numbers are written as JavaScript writes them', () => {
  const decimals = fc
    .tuple(fc.integer(), fc.integer({ min: 0, max: 9 }))
    .map(([integer, digits]) => integer / 10 ** digits);
  const ends = fc.constantFrom(
    0,
    -0,
    1e-6,
    1e-7,
    9.99e-7,
    123e-8,
    0.1 + 0.2,
    999_999_999,
    1e9,
    -1e9,
    1e21,
    2 ** 53,
    0.999_999_999,
  );
  fc.assert(
    fc.property(fc.oneof(decimals, fc.double({ noNaN: true, noDefaultInfinity: true }), ends), (value) => {
      const out = new CsvBytes();
      out.number(value);
      expect(Buffer.from(out.written).toString()).toBe(Object.is(value, -0) ? '-0' : String(value));
    }),
    { numRuns: 20_000 },
  );
});

test('times of all fractions, before 1970 and around it', () => {
  const fractions = [0, 1, 10, 999, 1_000, 1_001, 100_000, 999_999, 1e6, 20e6, 300e6, 999e6, 120_000, 999_999_999];
  const seconds = [-9_223_372_036n, -2n, -1n, 0n, 1n, 1_767_225_599n, 9_223_372_036n - 1n];
  const all = seconds.flatMap((second) => fractions.map((fraction) => second * 1_000_000_000n + BigInt(fraction)));
  const rows = emptyRows('d', columnsOf(['x']), all.length);
  rows.times.set(all);
  expect(Buffer.from(toCsv(rows)).toString()).toBe(plainCsv(rows));
});
