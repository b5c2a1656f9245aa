import type { ParquetWriter as Writer } from 'hyparquet-writer';
import type { Column } from './export-column.ts';

/** One row: device, time in nanoseconds, then the columns; null is a gap. */
export type ExportRow = readonly [device: string, timeNs: bigint, ...cells: (string | number | null)[]];

type SchemaElement = Writer['schema'][number];

/** A row group is what is in memory at once: so many rows, or fewer where they are wide. */
const groupRows = 20_000;
const groupCells = 1_000_000;
/** Characters of one group, so that long texts do not make it large. */
const groupChars = 32 << 20;

const time: SchemaElement = {
  name: 'time',
  type: 'INT64',
  repetition_type: 'REQUIRED',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
};

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
  return [
    { name: 'root', num_children: columns.length + 2 },
    { name: 'device', ...text, repetition_type: 'REQUIRED' },
    time,
    ...columns.map(
      ({ name, type }): SchemaElement => ({
        name,
        ...(type === 'TEXT' ? text : { type: 'DOUBLE' as const }),
        repetition_type: 'OPTIONAL',
      }),
    ),
  ];
}

/**
 * Writes rows as Parquet with Snappy, group by group: `device`, `time` as a timestamp of nanoseconds in UTC, and the columns, in which a
 * gap is null.
 */
export async function writeParquet(file: string, columns: readonly Column[], rows: Iterable<ExportRow>): Promise<void> {
  const { ParquetWriter, fileWriter } = await import('hyparquet-writer');
  const parquet = new ParquetWriter({ writer: fileWriter(file), schema: schemaOf(columns), createdBy: 'gapline' });
  const names = ['device', 'time', ...columns.map(({ name }) => name)];
  const most = Math.max(1, Math.min(groupRows, Math.floor(groupCells / names.length)));
  let group: (string | number | bigint | null)[][] = names.map(() => []);
  let [count, chars] = [0, 0];
  const flush = async () => {
    if (count === 0) return;
    const columnData = names.map((name, at) => ({ name, data: group[at] ?? [], offsetIndex: false }));
    await parquet.write({ columnData, rowGroupSize: count });
    group = names.map(() => []);
    [count, chars] = [0, 0];
  };
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      group[at]?.push(cell);
      if (typeof cell === 'string') chars += cell.length;
    }
    count += 1;
    if (count >= most || chars >= groupChars) await flush();
  }
  await flush();
  await parquet.finish();
}
