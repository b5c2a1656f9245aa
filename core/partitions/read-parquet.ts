import type { FileMetaData } from 'hyparquet';
import { compressors } from '../dataset/parquet.ts';
import {
  deviceColumn,
  emptyRows,
  endColumn,
  type ObjectRows,
  timeColumn,
  truthColumn,
  type ValueColumn,
} from './rows.ts';

/** Times in nanoseconds, so that none is lost; what others write may count less finely. */
const parsers = {
  timestampFromNanoseconds: (ns: bigint) => ns,
  timestampFromMicroseconds: (us: bigint) => us * 1_000n,
  timestampFromMilliseconds: (ms: bigint) => ms * 1_000_000n,
} as unknown as NonNullable<Parameters<typeof import('hyparquet').parquetRead>[0]['parsers']>;

type Rows = ReturnType<typeof emptyRows>;

/** Reads an object of {@link toParquet}. @throws {Error} where the bytes are none */
export async function fromParquet(bytes: Uint8Array, columns: readonly ValueColumn[]): Promise<ObjectRows> {
  const { parquetMetadata, parquetRead } = await import('hyparquet');
  // Its reader takes no memory that threads share.
  const { buffer } = new Uint8Array(bytes);
  const metadata: FileMetaData = parquetMetadata(buffer, { parsers });
  const rows = { ...emptyRows('', columns, Number(metadata.num_rows)) };
  const place = new Map<string, number>(columns.map(({ name }, index) => [name, index]));
  let device = '';
  const onChunk = (chunk: { columnName: string; columnData: ArrayLike<unknown>; rowStart: number }) => {
    const { columnName: name, columnData: data, rowStart } = chunk;
    if (name === deviceColumn) device = String(data[0]);
    else fillColumn(rows, place.get(name) ?? name, data, rowStart);
  };
  await parquetRead({ file: buffer, metadata, compressors, parsers, onChunk });
  return { ...rows, device };
}

function fillColumn(rows: Rows, column: number | string, data: ArrayLike<unknown>, from: number): void {
  const { times, values, truths, truth, ends } = rows;
  if (typeof column === 'number') {
    const into = values[column];
    for (let at = 0; into && at < data.length; at += 1) into[from + at] = (data[at] as number | null) ?? Number.NaN;
  } else if (column === timeColumn) {
    for (let at = 0; at < data.length; at += 1) times[from + at] = data[at] as bigint;
  } else if (column === endColumn) {
    for (let at = 0; at < data.length; at += 1) ends[from + at] = data[at] === true ? 1 : 0;
  } else if (column === truthColumn) {
    const known = new Map(truths.map((name, index) => [name, index]));
    for (let at = 0; at < data.length; at += 1) {
      const name = data[at];
      if (typeof name !== 'string') continue;
      let index = known.get(name);
      if (index === undefined) {
        index = truths.push(name) - 1;
        known.set(name, index);
      }
      truth[from + at] = index;
    }
  }
}
