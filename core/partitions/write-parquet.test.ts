import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { expect, test } from 'vitest';
import { mulberry32 } from '../numeric/random/mulberry32.ts';
import { fromParquet } from './read-parquet.ts';
import { columnsOf, emptyRows, type ObjectRows } from './rows.ts';
import { giveBack } from './shared-room.ts';
import { type RowsShape, rowsOf, shapes } from './testing.ts';
import { toParquet } from './write-parquet.ts';

const encodingsOf = (bytes: Uint8Array) =>
  parquetMetadata(bytes.slice().buffer).row_groups.map(({ columns }) =>
    columns.map(({ meta_data: meta }) => meta?.encodings.at(-1)),
  );

test('a reader may skip by device and time: of these a file has bounds', async () => {
  const rows = emptyRows('pump', columnsOf(['x']), 3);
  rows.times.set([20n, 10n, 30n]);
  const bytes = await toParquet({ ...rows, truths: ['ham'], truth: Int32Array.of(0, -1, 0) });
  const { row_groups: groups } = parquetMetadata(bytes.slice().buffer);
  const bounds = groups.flatMap(({ columns }) =>
    columns.map(({ meta_data: meta }) => [
      meta?.path_in_schema.join('.'),
      meta?.statistics?.min_value,
      meta?.statistics?.max_value,
    ]),
  );
  expect(bounds).toMatchObject([
    ['device', 'pump', 'pump'],
    ['time', new Date(0), new Date(0)],
    ['x', undefined, undefined],
    ['truth', undefined, undefined],
    ['endsSegment', undefined, undefined],
  ]);
});

test('whatever rows hold is read back bit by bit', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer(), async (shape, seed) => {
      const rows = rowsOf(shape, mulberry32(seed));
      expect(await fromParquet(await toParquet(rows), rows.columns)).toEqual(rows);
    }),
    { numRuns: 60 },
  );
}, 60_000);

const samples: RowsShape = {
  ...{ count: 250_000, step: 0, truths: 1, truthRows: 1_000, ends: false },
  columns: [
    { kind: 0, gaps: 0 },
    { kind: 1, gaps: 1 },
  ],
};

test('samples take little: times of an even rate, and numbers that come again', async () => {
  const rows = rowsOf(samples, mulberry32(1));
  const bytes = await toParquet(rows);
  const wanted = ['RLE_DICTIONARY', 'DELTA_BINARY_PACKED', 'RLE_DICTIONARY', 'PLAIN', 'RLE_DICTIONARY', 'PLAIN'];
  expect(encodingsOf(bytes)).toEqual([wanted, wanted, wanted]);
  expect(await fromParquet(bytes, rows.columns)).toEqual(rows);
}, 60_000);

test('where every row has a truth of its own, and times leap, all are there', async () => {
  const count = 70_000;
  const rows = rowsOf({ ...samples, count, step: 4, columns: [{ kind: 2, gaps: 10 }] }, mulberry32(1));
  const texts = Array.from({ length: count }, (_, row) => `truth ${row}`);
  const all = { ...rows, truths: texts, truth: Int32Array.from(texts.keys()) };
  const bytes = await toParquet(all);
  expect(encodingsOf(bytes)).toEqual([['RLE_DICTIONARY', 'PLAIN', 'PLAIN', 'PLAIN', 'PLAIN']]);
  expect(await fromParquet(bytes, rows.columns)).toEqual(all);
}, 60_000);

test('a file in memory that is used again has nothing of the one before; files that somebody has stay what they are', async () => {
  const held: { readonly rows: ObjectRows; readonly bytes: Uint8Array }[] = [];
  const seen = new Set<unknown>();
  for (const [file, count] of [40_000, 10, 3_000, 90_000, 1, 20_000, 500].entries()) {
    const rows = rowsOf({ ...samples, count }, mulberry32(file));
    const bytes = await toParquet(rows);
    seen.add(bytes.buffer);
    held.push({ rows, bytes });
    for (const one of held) expect(await fromParquet(one.bytes, one.rows.columns)).toEqual(one.rows);
    if (held.length === 2) for (const { bytes: freed } of held.splice(0, 1)) giveBack(freed);
  }
  expect(seen.size).toBeLessThan(7);
}, 60_000);
