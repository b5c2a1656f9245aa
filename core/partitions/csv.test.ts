import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvCell } from '../dataset/csv-writer.ts';
import { mulberry32 } from '../numeric/random/mulberry32.ts';
import { formatRfc3339 } from '../wire/time.ts';
import { fromCsv, toCsv } from './csv.ts';
import type { ObjectRows } from './rows.ts';
import { columnsOf, emptyRows } from './rows.ts';
import { giveBack } from './shared-room.ts';
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
  const numbers = fc.oneof(decimals, fc.double({ noNaN: true }), ends);
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 200 }), (values) => {
      const rows = emptyRows('d', columnsOf(['x']), values.length);
      rows.values[0]?.set(values);
      expect(Buffer.from(toCsv(rows)).toString()).toBe(plainCsv(rows));
    }),
    { numRuns: 500 },
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

test('numbers that come again for a while only, and more distinct ones than are kept', () => {
  const random = mulberry32(3);
  const rows = emptyRows('d', columnsOf(['x', 'y', 'z']), 40_000);
  for (let row = 0; row < rows.count; row += 1) {
    rows.times[row] = BigInt(row) * 7_000_001n;
    rows.values[0]?.fill(row < 6_000 ? 0.25 : random(), row, row + 1);
    rows.values[1]?.fill(Math.round(random() * row) / 100, row, row + 1);
    rows.values[2]?.fill(row % 5 === 0 ? Number.NaN : Math.round((random() - 0.5) * 1e6), row, row + 1);
  }
  expect(Buffer.from(toCsv(rows)).equals(Buffer.from(plainCsv(rows)))).toBe(true);
});

test('a row that is longer than what is made at a time', () => {
  const rows = { ...emptyRows('d'.repeat(300_000), columnsOf(['x']), 3), truths: ['t"'.repeat(300_000)] };
  rows.truth[1] = 0;
  rows.ends[1] = 1;
  expect(Buffer.from(toCsv(rows)).equals(Buffer.from(plainCsv(rows)))).toBe(true);
});

test('memory of a table is used again when it was given back, and not before', () => {
  const random = mulberry32(4);
  const shape = { columns: [{ kind: 0, gaps: 1 }], step: 0, truths: 2, truthRows: 5, ends: true };
  const held: { readonly bytes: Uint8Array; readonly plain: string }[] = [];
  const seen = new Set<unknown>();
  for (let table = 0; table < 40; table += 1) {
    const rows = rowsOf({ ...shape, count: 1 + Math.floor(random() * 9_000) }, random);
    const bytes = toCsv(rows);
    seen.add(bytes.buffer);
    held.push({ bytes, plain: plainCsv(rows) });
    for (const one of held) expect(Buffer.from(one.bytes).equals(Buffer.from(one.plain))).toBe(true);
    if (held.length < 3) continue;
    const [freed] = held.splice(Math.floor(random() * held.length), 1);
    if (freed) giveBack(freed.bytes);
  }
  expect(seen.size).toBeLessThan(40);
});
