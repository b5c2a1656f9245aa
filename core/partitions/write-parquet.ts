import { constants, zstdCompressSync } from 'node:zlib';
import type { ParquetWriter as Writer } from 'hyparquet-writer';
import { deviceColumn, endColumn, type ObjectRows, timeColumn, truthColumn } from './rows.ts';

type SchemaElement = Writer['schema'][number];

/** A row group is what a reader unpacks at once. */
const groupCells = 1_000_000;
const groupRows = 100_000;

/** Fast, and smaller than Snappy; Spark, DuckDB and PyArrow read it. */
const compressors = {
  ZSTD: (input: Uint8Array) => zstdCompressSync(input, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
};

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;

function schemaOf({ columns }: ObjectRows): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length + 4 },
    { name: deviceColumn, ...text, repetition_type: 'REQUIRED' },
    {
      ...{ name: timeColumn, type: 'INT64', repetition_type: 'REQUIRED' },
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
    },
    ...columns.map(({ name }): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' })),
    { name: truthColumn, ...text, repetition_type: 'OPTIONAL' },
    { name: endColumn, type: 'BOOLEAN', repetition_type: 'OPTIONAL' },
  ];
}

/** Rows as a Parquet file: a gap is null, `time` a timestamp of nanoseconds in UTC. */
export async function toParquet(rows: ObjectRows): Promise<Uint8Array> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: schemaOf(rows),
    codec: 'ZSTD',
    compressors,
    createdBy: 'gapline',
  });
  const { device, columns, count, times, values, truths, truth, ends } = rows;
  const perGroup = Math.max(1, Math.min(groupRows, Math.floor(groupCells / (columns.length + 4))));
  for (let from = 0; from < count; from += perGroup) {
    const to = Math.min(count, from + perGroup);
    await parquet.write({
      columnData: [
        { name: deviceColumn, data: new Array<string>(to - from).fill(device), statistics: true },
        { name: timeColumn, data: times.subarray(from, to), encoding: 'PLAIN' as const, statistics: true },
        ...columns.map(({ name }, at) => ({
          ...{ name, encoding: 'PLAIN' as const },
          data: withNulls(values[at]?.subarray(from, to) ?? new Float64Array(to - from).fill(Number.NaN)),
        })),
        { name: truthColumn, data: Array.from(truth.subarray(from, to), (index) => truths[index] ?? null) },
        { name: endColumn, data: Array.from(ends.subarray(from, to), (end) => (end === 1 ? true : null)) },
        // Bounds of values and truths hardly ever tell a reader what to skip, and a row group is read whole.
      ].map((column) => ({ statistics: false, ...column, offsetIndex: false })),
      rowGroupSize: to - from,
      pageSize: 0,
    });
  }
  await parquet.finish();
  return writer.getBytes();
}

/** Numbers without gaps stay as they are, which is written faster. */
function withNulls(values: Float64Array): Float64Array | (number | null)[] {
  if (!values.some(Number.isNaN)) return values;
  const all: (number | null)[] = [];
  for (const value of values) all.push(Number.isNaN(value) ? null : value);
  return all;
}
