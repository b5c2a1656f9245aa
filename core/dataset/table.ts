import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { OwnGaps } from './own-gaps.ts';
import { openParquet } from './parquet.ts';
import {
  cellText,
  mostLineBytes,
  placeOf,
  type RecordOptions,
  RecordReader,
  type TableRecord,
  type Visit,
} from './records.ts';
import { checkUnchanged, openSource, type Source, textOf } from './source.ts';
import type { TableFile } from './table-file.ts';

/** A table out of one or more files. */
export interface Table {
  /** For messages. */
  readonly name: string;
  readonly columns: readonly string[];
  /** By name, the columns that cannot be read in one of the files, with the reason. */
  readonly unread: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
  /**
   * How many records there are at the most, as far as that can be told before all are read.
   * @param meanBytes - of a record
   */
  estimate(meanBytes: number): number | undefined;
  /** Visits every record of every file, its cells in the order of `columns`. @returns notes of what came up on the way. */
  read(visit: Visit): Promise<readonly string[]>;
}

/** Records may be shorter further on; what is not needed of an array costs no memory. */
const estimateMargin = 1.3;

/**
 * Opens the files of a table: CSV in any layout, gzipped or not, or Parquet. Files with names are joined by name, others by place.
 * @param gap - words of cells that stand for gaps, beside the usual ones
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function openTable(files: readonly string[], gap: readonly string[] = []): Promise<Table> {
  const own = new OwnGaps(gap);
  const parts = await Promise.all(files.map((file) => openFile(file, gap)));
  const [first] = parts;
  if (first === undefined) throw new GaplineError('data-invalid', 'no file is named');
  const orders = parts.map((part) => orderOf(part, first));
  const label = (part: TableFile, note: string) => (parts.length === 1 ? note : `${part.file}: ${note}`);
  return {
    name: files.length === 1 ? first.file : `${first.file} and ${files.length - 1} more`,
    columns: first.names,
    unread: new Map(
      parts.flatMap((part) =>
        Array.from(part.unread ?? [], ([index, why]) => [part.names[index] ?? '', label(part, why)] as const),
      ),
    ),
    notes: parts.flatMap((part) => part.notes.map((note) => label(part, note))),
    estimate(meanBytes) {
      let records = 0;
      for (const { size } of parts) {
        if (size === undefined) return undefined;
        records += 'records' in size ? size.records : Math.ceil((size.bytes / meanBytes) * estimateMargin);
      }
      return records;
    },
    async read(visit) {
      const notes: string[] = [];
      const emptying = own.emptying(visit);
      for (const [index, part] of parts.entries()) {
        const order = orders[index];
        const found = await part.read(order ? reordered(emptying, order) : emptying);
        notes.push(...found.map((note) => label(part, note)));
      }
      return [...notes, ...own.notes];
    },
  };
}

/**
 * Where a column stands that is named, or else told by its place from 1 on.
 * @throws {GaplineError} `data-invalid`, with the columns that there are
 */
export function placeOfColumn(names: readonly string[], column: string, file: string): number {
  const named = names.indexOf(column);
  if (named >= 0) return named;
  const place = /^\d{1,6}$/.test(column) ? Number(column) - 1 : -1;
  if (place >= 0 && place < names.length) return place;
  throw new GaplineError(
    'data-invalid',
    `${file}: there is no column ${shorten(column)}; there are ${shorten(names.join(', '), 300)}`,
  );
}

async function openFile(file: string, gap: readonly string[]): Promise<TableFile> {
  const source = await openSource(file);
  const part = source.packing === 'parquet' ? await openParquet(source) : await openCsv(source, gap);
  const seen = new Set<string>();
  part.names.forEach((name, index) => {
    if (seen.has(name))
      throw new GaplineError(
        'data-invalid',
        `${file}: column ${index + 1}: the name "${shorten(name)}" is used twice; rename one of the two`,
      );
    seen.add(name);
  });
  return part;
}

/** Which cell of a record belongs to each column of the table; undefined where all stand in order. */
function orderOf(part: TableFile, first: TableFile): Int32Array | undefined {
  const wanted = first.names;
  if (part.names.length !== wanted.length) {
    const detail = `has ${part.names.length} columns, ${first.file} has ${wanted.length}; files of one table have the same`;
    throw new GaplineError('data-invalid', `${part.file}: ${detail}`);
  }
  if (!part.named || !first.named || wanted.every((name, index) => name === part.names[index])) return undefined;
  const missing = wanted.find((name) => !part.names.includes(name));
  if (missing !== undefined)
    throw new GaplineError(
      'data-invalid',
      `${part.file}: there is no column "${shorten(missing)}", as ${first.file} has one`,
    );
  return Int32Array.from(wanted, (name) => part.names.indexOf(name));
}

function reordered(visit: Visit, order: Int32Array): Visit {
  const starts = new Int32Array(order.length);
  const ends = new Int32Array(order.length);
  return ({ file, counts, line, bytes, cells, ...record }) => {
    for (let column = 0; column < order.length; column++) {
      starts[column] = record.starts[order[column]!]!;
      ends[column] = record.ends[order[column]!]!;
    }
    visit({ file, counts, line, bytes, cells, starts, ends });
  };
}

/** So much of a file is looked at first; of one with longer lines, as much as a line may hold. */
const sampleBytes = 256 << 10;

async function openCsv(source: Source, gap: readonly string[]): Promise<TableFile> {
  const { file } = source;
  let sample = await firstBytes(source, sampleBytes);
  if (!sample.bytes.includes(10)) sample = await firstBytes(source, mostLineBytes);
  const dialect = dialectOf(file, sample.bytes, { whole: sample.whole, gap });
  const first = await firstRecord(source, dialect);
  if (first === undefined)
    throw new GaplineError('data-invalid', `${file}: is empty; its first line must name the columns`);
  const named = dialect.names ?? (dialect.header > 0 ? first : first.map(() => ''));
  const names = named.map((name, index) => (name === '' ? `column ${index + 1}` : name));
  const repeats = headerAgain(names);
  const firstByte = Buffer.from(names[0] ?? '')[0];
  return {
    file,
    names,
    named: dialect.header > 0 || dialect.names !== undefined,
    notes: [
      ...(source.packing === 'windows-1252' ? ['the file is not UTF-8; it is read as Windows-1252'] : []),
      ...dialect.notes,
    ],
    size: source.packing === 'plain' ? { bytes: source.size } : undefined,
    async read(visit) {
      const options = { ...optionsOf(source, dialect), width: names.length };
      let records = 0;
      let empty = 0;
      let repeated = 0;
      const unusual: Visit = (record) => {
        checkWidth(record, names.length);
        if (names.length > 1 && isEmpty(record)) empty += 1;
        else if (dialect.header > 0 && repeats(record)) repeated += 1;
        else visit(record);
      };
      const { comments } = await readRecords(source, options, dialect.skip, (record) => {
        records += 1;
        const start = record.starts[0]!;
        const isPlain = record.cells === names.length && start !== record.ends[0] && record.bytes[start] !== firstByte;
        if (records > dialect.header && isPlain) visit(record);
        else if (records > dialect.header) unusual(record);
      });
      if (records <= dialect.header)
        throw new GaplineError('data-invalid', `${file}: has a header but no lines of data`);
      await checkUnchanged(source);
      return [
        ...(comments > 0 ? [`comments among the lines: ${comments}`] : []),
        ...(repeated > 0 ? [`lines that repeat the header, left out: ${repeated}`] : []),
        ...(empty > 0 ? [`empty lines, left out: ${empty}`] : []),
      ];
    },
  };
}

/** Spreadsheets end in lines of nothing but delimiters. */
function isEmpty({ cells, starts, ends }: TableRecord): boolean {
  for (let cell = 0; cell < cells; cell++) if (starts[cell] !== ends[cell]) return false;
  return true;
}

/** Whether a record is the header once more: files that were put one after the other bring theirs each. */
function headerAgain(names: readonly string[]): (record: TableRecord) => boolean {
  const first = Buffer.from(names[0] ?? '');
  return (record) => {
    const start = record.starts[0]!;
    if (record.bytes[start] !== first[0] || record.ends[0]! - start !== first.length) return false;
    return names.every((name, cell) => cellText(record, cell) === name);
  };
}

async function firstBytes(source: Source, most: number): Promise<{ bytes: Buffer; whole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of textOf(source, most)) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, most), whole: length <= most };
}

async function firstRecord(source: Source, dialect: Dialect): Promise<string[] | undefined> {
  let cells: string[] | undefined;
  await readRecords(source, { ...optionsOf(source, dialect), most: 1 }, dialect.skip, (record) => {
    cells = Array.from({ length: record.cells }, (_, cell) => cellText(record, cell));
  });
  return cells;
}

const optionsOf = ({ file }: Source, { delimiter, quote, line }: Dialect): RecordOptions => ({
  file,
  delimiter,
  quote,
  line,
});

async function readRecords(
  source: Source,
  options: RecordOptions,
  skipped: number,
  visit: Visit,
): Promise<RecordReader> {
  const reader = new RecordReader(options, visit);
  let skip = skipped;
  for await (const chunk of textOf(source)) {
    reader.feed(skip > 0 ? chunk.subarray(skip) : chunk);
    skip = Math.max(0, skip - chunk.length);
    if (reader.done) return reader;
  }
  reader.end();
  return reader;
}

/** Cells beyond the columns may stand there where they are empty: a delimiter at the end of every line. */
function checkWidth(record: TableRecord, width: number): void {
  if (record.cells === width) return;
  let extra = record.cells - 1;
  while (extra >= width && record.starts[extra] === record.ends[extra]) extra -= 1;
  if (record.cells > width && extra < width) return;
  const cells = `there ${record.cells === 1 ? 'is 1 cell' : `are ${record.cells} cells`}, but ${width} columns`;
  const hint =
    record.cells === width * 2 - 1
      ? '; a cell with a decimal comma has to stand in quotes, or the columns be parted by ";"'
      : '';
  throw new GaplineError('data-invalid', `${placeOf(record)}: ${cells}${hint}`);
}
