import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExportFile } from './export-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-export-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const columns = [
  { name: 'a.b; "c"', field: 'v.a', type: 'REAL' },
  { name: 'truth', field: 'truth', type: 'TEXT' },
] as const;

async function parquetOf(file: string) {
  const buffer = await asyncBufferFromFile(file);
  const parsers = {
    timestampFromMilliseconds: String,
    timestampFromMicroseconds: String,
    timestampFromNanoseconds: String,
    dateFromDays: String,
    stringFromBytes: (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString(),
  };
  const metadata = await parquetMetadataAsync(buffer, { parsers: parsers as never });
  return { metadata, rows: await parquetReadObjects({ file: buffer, metadata, parsers: parsers as never }) };
}

test('Parquet holds nanoseconds, nulls for gaps and the last of each identity, in order', async () => {
  const file = join(folder, 'table.parquet');
  const out = new ExportFile(file, 'readings', columns);
  out.add({ measurement: 's', device: 'é', time: '1700000000123456789', fields: { 'v.a': 2.5, truth: '' } });
  out.add({ measurement: 's', device: 'd', time: '-1', fields: { 'v.a': 1, truth: 'x' } });
  out.add({ measurement: 's', device: 'd', time: '7', fields: { 'v.a': -0.1 } });
  out.add({ measurement: 's', device: 'd', time: '-1', fields: { truth: 'later' } });
  expect(await out.finish()).toBe(3);
  out[Symbol.dispose]();
  expect(readdirSync(folder)).toEqual(['table.parquet']);
  const { rows, metadata } = await parquetOf(file);
  expect(metadata.created_by).toBe('gapline');
  expect(rows).toEqual([
    { device: 'd', time: '-1', 'a.b; "c"': null, truth: 'later' },
    { device: 'd', time: '7', 'a.b; "c"': -0.1, truth: null },
    { device: 'é', time: '1700000000123456789', 'a.b; "c"': 2.5, truth: '' },
  ]);
});

test('long tables are written in groups, and one without rows is a table, too', async () => {
  const file = join(folder, 'long.parquet');
  using out = new ExportFile(file, 'readings', columns);
  const count = 45_000;
  for (let row = 0; row < count; row++)
    out.add({ measurement: 's', device: 'd', time: String(row), fields: row % 3 ? { 'v.a': row } : {} });
  expect(await out.finish()).toBe(count);
  const { rows, metadata } = await parquetOf(file);
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([20_000, 20_000, 5_000]);
  expect(rows.every((row, at) => row.time === String(at) && row['a.b; "c"'] === (at % 3 ? at : null))).toBe(true);

  const none = join(folder, 'none.parquet');
  using empty = new ExportFile(none, 'readings', columns);
  expect(await empty.finish()).toBe(0);
  expect((await parquetOf(none)).rows).toEqual([]);
});
