import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors, FileMetaData, SchemaElement, SchemaTree } from 'hyparquet';
import { elementAt } from '../numeric/element.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
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
export const compressors: Compressors = {
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
  const { children } = parquetSchema(metadata);
  const elements = children.map(({ element }) => element);
  const names = elements.map(({ name }) => name);
  const unread = new Map(children.flatMap((child, index) => unreadable(child, index)));
  if (names.length === 0 || names.length > mostColumns || metadata.num_rows === 0n)
    throw new GaplineError('data-invalid', `${file}: has no rows or columns, or more than ${mostColumns} columns`);
  const columns = names.filter((_, index) => !unread.has(index));
  if (columns.length === 0) {
    const reasons = names.map((name, index) => `"${shorten(name, 40)}" ${unread.get(index)}`);
    throw new GaplineError('data-invalid', `${file}: no column can be read: ${shorten(reasons.join(', '), 300)}`);
  }
  const groupRows = metadata.row_groups.map((group) => Number(group.num_rows));
  return {
    file,
    names: names.map((name, index) => name.trim() || `column ${index + 1}`),
    named: true,
    notes: ['the file is Parquet'],
    size: { records: Number(metadata.num_rows) },
    unread,
    async read(visit) {
      const writer = new RecordWriter(file, elements.map(clockUnitOf));
      let rowStart = 0;
      for (const rows of groupRows) {
        const chunks = new Map<string, ArrayLike<unknown>[]>();
        const onChunk = (chunk: { columnName: string; columnData: ArrayLike<unknown> }) =>
          void chunks.set(chunk.columnName, [...(chunks.get(chunk.columnName) ?? []), chunk.columnData]);
        const group = { rowStart, rowEnd: rowStart + rows, columns, onChunk };
        await sound(() => parquetRead({ file: buffer, metadata, compressors, parsers, ...group }));
        writer.write(
          names.map((name) => joined(chunks.get(name) ?? [])),
          rows,
          visit,
        );
        rowStart += rows;
      }
      await checkUnchanged(source);
      return [];
    },
  };
}

/** Why a column cannot be read as cells, under its index; empty where it can. */
function unreadable({ element, children }: SchemaTree, index: number): [number, string][] {
  const { logical_type: logical, converted_type: converted, repetition_type: repetition, type } = element;
  const kind = logical?.type ?? converted;
  const remedy = 'write a column of numbers for what is to be read of it';
  const is = (what: string): [number, string][] => [[index, `cannot be read: ${what}; ${remedy}`]];
  if (kind === 'LIST' || repetition === 'REPEATED') return is('each cell is a list');
  if (kind === 'MAP' || kind === 'MAP_KEY_VALUE') return is('each cell is a map');
  if (children.length > 0) return is(kind === 'VARIANT' ? 'each cell is a variant' : 'each cell is a struct');
  if (kind === 'INTERVAL' || converted === 'INTERVAL') return is('each cell is an interval of months, days and ms');
  if (kind === 'BSON' || converted === 'BSON') return is('each cell is BSON');
  if (kind === 'GEOMETRY' || kind === 'GEOGRAPHY') return is('each cell is a shape on a map');
  if (type === 'FIXED_LEN_BYTE_ARRAY' && kind === undefined) return is('each cell is raw bytes');
  return [];
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
