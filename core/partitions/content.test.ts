import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mulberry32 } from '../numeric/random/mulberry32.ts';
import { contentOf } from './content.ts';
import { emptyRows, type ObjectRows } from './rows.ts';
import { rowsOf, shapes } from './testing.ts';

type Bytes = BigInt64Array | Float64Array | Int32Array | Uint8Array;

const bytesOf = ({ buffer, byteOffset, byteLength }: Bytes) => new Uint8Array(buffer, byteOffset, byteLength);

/** The same rows in memory that threads share, behind other rows. */
function elsewhere(rows: ObjectRows): ObjectRows {
  const { device, columns, count, times, values, truth, ends } = rows;
  const before = 3;
  const room = emptyRows(device, columns, before + count, true);
  const moved = <T extends Bytes>(into: T, from: T): T => {
    const end = into.subarray(before) as T;
    bytesOf(end).set(bytesOf(from));
    return end;
  };
  return {
    ...rows,
    times: moved(room.times, times),
    values: values.map((column, at) => moved(room.values[at] ?? new Float64Array(before + count), column)),
    truth: moved(room.truth, truth),
    ends: moved(room.ends, ends),
  };
}

test('the same rows have the same digest wherever they stand; one bit of any column makes another', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), fc.nat(), fc.nat(), (shape, seed, whichColumn, whichBit) => {
      const rows = rowsOf(shape, mulberry32(seed));
      const content = contentOf(rows);
      expect(content).toMatch(/^[0-9a-f]{32}$/);
      const other = elsewhere(rows);
      expect(contentOf(other)).toBe(content);
      const columns = [other.times, ...other.values, other.truth, other.ends];
      const bytes = bytesOf(columns[whichColumn % columns.length] ?? other.times);
      const bit = whichBit % (8 * bytes.length);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(contentOf(other)).not.toBe(content);
    }),
    { numRuns: 100 },
  );
});

const columns = [
  { name: 'x', field: 'x' },
  { name: 'y', field: 'y' },
];

const rows = (): ReturnType<typeof emptyRows> => {
  const two = emptyRows('d', columns, 2);
  two.times.set([1n, 2n]);
  for (const column of two.values) column.set([0, 1]);
  two.truths.push('a', 'b');
  two.truth.set([0, 1]);
  return two;
};

const changes: Record<string, (two: ReturnType<typeof emptyRows>) => ObjectRows> = {
  'a time': (two) => ({ ...two, times: two.times.with(1, 3n) }),
  'a minus zero': (two) => ({ ...two, values: two.values.map((column) => column.with(0, -0)) }),
  'a gap': (two) => ({ ...two, values: two.values.map((column) => column.with(0, Number.NaN)) }),
  'no truth': (two) => ({ ...two, truth: two.truth.with(1, -1) }),
  'the text of a truth': (two) => ({ ...two, truths: ['a', 'c'] }),
  'an end': (two) => ({ ...two, ends: two.ends.with(1, 1) }),
  'another device': (two) => ({ ...two, device: 'e' }),
  'a column of another name': (two) => ({
    ...two,
    columns: columns.map(({ field }) => ({ name: `${field} (2)`, field })),
  }),
  'a column of another field': (two) => ({ ...two, columns: columns.map(({ name }) => ({ name, field: `${name}2` })) }),
  'columns in another order': (two) => ({ ...two, columns: columns.toReversed() }),
  'rows in another order': (two) => ({
    ...two,
    times: two.times.toReversed(),
    values: two.values.map((column) => column.toReversed()),
    truth: two.truth.toReversed(),
  }),
  'a row less': (two) => ({
    ...{ ...two, count: 1, times: two.times.subarray(0, 1), truth: two.truth.subarray(0, 1) },
    ...{ values: two.values.map((column) => column.subarray(0, 1)), ends: two.ends.subarray(0, 1) },
  }),
};

test.each(Object.entries(changes))('%s makes another digest', (_, change) => {
  expect(contentOf(rows())).toBe(contentOf(rows()));
  expect(contentOf(change(rows()))).not.toBe(contentOf(rows()));
});

test('the digest is the same on every machine and by every version', () => {
  expect(contentOf(rows())).toBe('dbe9ce01a9226f88d42e7128a7feac76');
});
