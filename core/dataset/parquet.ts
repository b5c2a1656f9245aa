import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors, FileMetaData, SchemaElement } from 'hyparquet';
import { elementAt } from '../numeric/element.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { mostCellBytes, mostColumns, placeOf, type TableRecord, type Visit } from './records.ts';
import { checkUnchanged, type Source } from './source.ts';
import type { TableFile } from './table-file.ts';
import { formatTime } from './time-cell.ts';

/** A page is at most so large when it is unpacked. */
const mostPageBytes = 1 << 30;

const within = (outputLength: number) => {
  if (outputLength > mostPageBytes) throw new Error(`a page of ${outputLength} bytes is too large`);
  return { maxOutputLength: outputLength };
};

/** What hyparquet does not unpack itself, Node does. */
const compressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, within(length)),
  BROTLI: (input, length) => brotliDecompressSync(input, within(length)),
  ZSTD: (input, length) => zstdDecompressSync(input, within(length)),
};

/** Times as text, so that no nanosecond is lost. */
const parsers = {
  timestampFromMilliseconds: (ms: bigint) => formatTime(ms * 1_000_000n),
  timestampFromMicroseconds: (us: bigint) => formatTime(us * 1_000n),
  timestampFromNanoseconds: (ns: bigint) => formatTime(ns),
  dateFromDays: (days: number) => formatTime(BigInt(days) * 86_400_000_000_000n).slice(0, 10),
};

/** Opens a Parquet file as a table: each cell is the text that a CSV would hold. One row group is in memory at a time. */
export async function openParquet(source: Source): Promise<TableFile> {
  const { file } = source;
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } = await import('hyparquet');
  const sound = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof GaplineError) throw error;
      const detail = describeError(error);
      const remedy = /codec/.test(detail) ? '; write it with Snappy, gzip, zstd or Brotli' : '';
      throw new GaplineError('data-invalid', `${file}: cannot be read as Parquet: ${detail}${remedy}`, {
        cause: error,
      });
    }
  };
  const buffer = await sound(() => asyncBufferFromFile(file));
  const metadata: FileMetaData = await sound(() => parquetMetadataAsync(buffer, { parsers }));
  const elements = parquetSchema(metadata).children.map(({ element }) => element);
  const names = elements.map(({ name }) => name);
  if (names.length === 0 || names.length > mostColumns || metadata.num_rows === 0n)
    throw new GaplineError('data-invalid', `${file}: has no rows or columns, or more than ${mostColumns} columns`);
  const groupRows = metadata.row_groups.map((group) => Number(group.num_rows));
  return {
    file,
    names: names.map((name, index) => name.trim() || `column ${index + 1}`),
    named: true,
    notes: ['the file is Parquet'],
    size: { records: Number(metadata.num_rows) },
    async read(visit) {
      const writer = new RecordWriter(file, elements.map(clockUnitOf));
      let rowStart = 0;
      for (const rows of groupRows) {
        const columns = new Map<string, ArrayLike<unknown>[]>();
        const onChunk = (chunk: { columnName: string; columnData: ArrayLike<unknown> }) =>
          void columns.set(chunk.columnName, [...(columns.get(chunk.columnName) ?? []), chunk.columnData]);
        const rowEnd = rowStart + rows;
        await sound(() => parquetRead({ file: buffer, metadata, compressors, parsers, rowStart, rowEnd, onChunk }));
        writer.write(
          names.map((name) => joined(columns.get(name) ?? [])),
          rows,
          visit,
        );
        rowStart = rowEnd;
      }
      await checkUnchanged(source);
      return [];
    },
  };
}

const joined = (parts: readonly ArrayLike<unknown>[]): ArrayLike<unknown> =>
  parts.length === 1 ? elementAt(parts, 0) : parts.flatMap((part) => Array.from(part));

/** Writes rows as records, one after the other into the same bytes. */
class RecordWriter implements TableRecord {
  readonly file: string;
  readonly counts = 'row';
  readonly cells: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  bytes = Buffer.allocUnsafe(64 << 10);
  line = 0;
  readonly #clocks: readonly (bigint | undefined)[];

  /** @param clocks - by column: nanoseconds that its numbers count, if they are times of day */
  constructor(file: string, clocks: readonly (bigint | undefined)[]) {
    this.file = file;
    this.cells = clocks.length;
    this.#clocks = clocks;
    this.starts = new Int32Array(this.cells);
    this.ends = new Int32Array(this.cells);
  }

  write(columns: readonly ArrayLike<unknown>[], rows: number, visit: Visit): void {
    for (let row = 0; row < rows; row++) {
      this.line += 1;
      let at = 0;
      for (let column = 0; column < this.cells; column++) {
        this.starts[column] = at;
        at = this.#cell(textOf(elementAt(columns, column)[row], this.#clocks[column]), at);
        this.ends[column] = at;
      }
      visit(this);
    }
  }

  #cell(text: string, at: number): number {
    if (text.length > mostCellBytes)
      throw new GaplineError('data-invalid', `${placeOf(this)}: a cell is longer than ${mostCellBytes >> 20} MB`);
    // A character of a string is at most three bytes of UTF-8.
    if (at + text.length * 3 > this.bytes.length) {
      const longer = Buffer.allocUnsafe((at + text.length * 3) * 2);
      longer.set(this.bytes.subarray(0, at));
      this.bytes = longer;
    }
    return at + this.bytes.write(text, at);
  }
}

/** What the numbers of a column of times of day count, in nanoseconds; undefined where a column holds anything else. */
function clockUnitOf({ logical_type: logical, converted_type: converted }: SchemaElement): bigint | undefined {
  const unit = logical?.type === 'TIME' ? logical.unit : converted;
  if (unit === 'MILLIS' || unit === 'TIME_MILLIS') return 1_000_000n;
  if (unit === 'MICROS' || unit === 'TIME_MICROS') return 1_000n;
  return unit === 'NANOS' ? 1n : undefined;
}

function textOf(value: unknown, clock?: bigint): string {
  if (value === null || value === undefined) return '';
  // Of the first day of 1970 the time alone.
  if (clock !== undefined && (typeof value === 'number' || typeof value === 'bigint'))
    return formatTime(BigInt(value) * clock).slice(11, -1);
  if (typeof value === 'string') return value.trim();
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return String(value);
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? '';
}
