import type { ParquetWriter as Writer } from 'hyparquet-writer';
import { deviceColumn, endColumn, type ObjectRows, timeColumn, truthColumn } from './rows.ts';

type SchemaElement = Writer['schema'][number];

/** A row group is what a reader unpacks at once. */
const groupCells = 1_000_000;
const groupRows = 100_000;

/** What the end of a file says of a column, about. */
const perColumn = 256;

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

/**
 * Rows as a Parquet file: a gap is null, `time` a timestamp of nanoseconds in UTC.
 * @returns bytes that threads share; `giveBack` takes their memory for another file
 */
export async function toParquet(rows: ObjectRows): Promise<Uint8Array> {
  const { ParquetWriter } = await import('hyparquet-writer');
  const { FileBytes } = await import('./file-bytes.ts');
  const { GroupWriter } = await import('./parquet-columns.ts');
  const writer = new FileBytes();
  const parquet = new ParquetWriter({ writer, schema: schemaOf(rows), createdBy: 'gapline' });
  const groups = GroupWriter.on(parquet);
  const { device, columns, count, times, values, truths, truth, ends } = rows;
  const perGroup = Math.max(1, Math.min(groupRows, Math.floor(groupCells / (columns.length + 4))));
  for (let from = 0; from < count; from += perGroup) {
    const to = Math.min(count, from + perGroup);
    groups.begin(to - from);
    // Bounds of device and time alone: others hardly ever tell a reader what to skip, and a row group is read whole.
    groups.constant(deviceColumn, device);
    groups.times(timeColumn, times.subarray(from, to));
    for (const [at, { name }] of columns.entries())
      groups.numbers(name, values[at]?.subarray(from, to) ?? new Float64Array(to - from).fill(Number.NaN));
    groups.texts(truthColumn, truths, truth.subarray(from, to));
    groups.marks(endColumn, ends.subarray(from, to));
    groups.end();
    // Groups are as long as the first one, or nearly so.
    if (from === 0 && to < count) writer.expect((1.02 * writer.offset * count) / to + perColumn * (columns.length + 4));
  }
  await parquet.finish();
  return writer.getBytes();
}
