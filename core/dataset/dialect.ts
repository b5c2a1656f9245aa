import { elementAt } from '../numeric/element.ts';
import { shorten } from '../wire/problem.ts';
import {
  hasHeader,
  isFullOfNames,
  isSecondHeader,
  joinedNames,
  linesAbove,
  namesRows,
  usualWidth,
  withoutTail,
} from './header.ts';
import { cellText, type RecordOptions, RecordReader, type TableRecord } from './records.ts';

/** How a file is laid out. */
export interface Dialect {
  /** One character; ` ` stands for any run of spaces and tabs. */
  readonly delimiter: string;
  /** What stands around text. */
  readonly quote: Quote;
  /** Records before the data: the names of the columns, and perhaps a line of units. */
  readonly header: number;
  /** Bytes before the first record: `sep=` and comments. */
  readonly skip: number;
  /** The line that the first record is on. */
  readonly line: number;
  /** The names, where the first record is not them as it stands. */
  readonly names?: readonly string[];
  /** What was unusual, for people. */
  readonly notes: readonly string[];
}

export type Quote = '"' | "'";

/** Of a file's beginning, so many records are looked at. */
const sampleRecords = 500;

/** Likeliest first, where several split every line alike: with a decimal comma both `;` and `,` may. */
const delimiters = [';', '\t', '|', ',', ' '] as const;

/** A row may begin with a word for a gap that has a hash. */
const hashWord = /^#(N\/A|NA|DIV\/0!|VALUE!|NUM!|REF!|NULL!|NAME\?)(?![\p{L}\d])/u;

/**
 * How a file is laid out, seen from its beginning.
 * @param sample - the first bytes of the file
 * @param whole - whether that is all of it
 * @param gap - words of cells that stand for gaps, beside the usual ones
 */
export function dialectOf(
  file: string,
  sample: Buffer,
  { whole, gap = [] }: { whole: boolean; gap?: readonly string[] },
): Dialect {
  const notes: string[] = [];
  let { skip, line } = afterBlank(sample, 0, 1);
  const next = () => ({ skip, line } = afterBlank(sample, lineEnd(sample, skip) + 1, line + 1));
  const named = /^"?sep=(.)"?$/i.exec(lineText(sample, skip));
  if (named) {
    notes.push(`line ${line} names the separator`);
    next();
  }
  const firstComment = line;
  let comment = '';
  while (sample[skip] === 0x23 && !hashWord.test(lineText(sample, skip))) {
    comment = lineText(sample, skip);
    next();
  }
  if (line > firstComment)
    notes.push(`${linesOf(firstComment, line - 1)} ${line - firstComment === 1 ? 'is a comment' : 'are comments'}`);
  const body = sample.subarray(skip);
  const quote = quoteOf(body);
  const cut = (delimiter: string) => recordsOf(body, { file, delimiter, quote, most: sampleRecords }, { whole, gap });
  const delimiter = named?.[1] ?? chooseDelimiter(cut);
  const all = cut(delimiter);
  if (quote === "'") notes.push('text stands in single quotes');
  const above = linesAbove(all);
  const first = line;
  for (const last = all[above]?.line ?? 1; above > 0 && line < first + last - 1; ) next();
  if (above > 0) notes.push(`${linesOf(first, line - 1)} ${above === 1 ? 'stands' : 'stand'} above the table`);
  const records = all.slice(above);
  if (delimiter !== ',') notes.push(`columns are parted by ${nameOf(delimiter)}`);
  const header = headerOf(records, comment, delimiter, line);
  notes.push(...header.notes);
  return { delimiter, quote, skip, line, notes, header: header.records, ...(header.names && { names: header.names }) };
}

const linesOf = (from: number, to: number): string => (from === to ? `line ${from}` : `lines ${from} to ${to}`);

type Header = { readonly records: number; readonly names?: readonly string[]; readonly notes: readonly string[] };

function headerOf(records: readonly SampleRecord[], comment: string, delimiter: string, line: number): Header {
  const cells = records.map((record) => record.cells);
  const [first = [], second = []] = cells;
  if (namesRows(cells)) {
    const notes = ['the first column has no name, as R writes the names of rows'];
    return { records: 1, names: ['', ...first], notes };
  }
  if (records.length < 2 || hasHeader(cells)) {
    if (!isSecondHeader(cells)) return { records: 1, notes: [] };
    const at = `line ${elementAt(records, 1).line - elementAt(records, 0).line + line}`;
    if (isFullOfNames(first)) return { records: 2, notes: [`${at} is no data ("${shorten(second.join(', '), 60)}")`] };
    return { records: 2, names: joinedNames(first, second), notes: [`${at} names the columns too`] };
  }
  const names = comment === '' ? undefined : namesIn(comment, delimiter, first.length);
  if (names) return { records: 0, names, notes: ['the comment above the data names the columns'] };
  return { records: 0, notes: [`line ${line} is data: there is no header, so columns are named by their place`] };
}

function nameOf(delimiter: string): string {
  const names: Record<string, string> = { ' ': 'spaces', '\t': 'tabs' };
  return names[delimiter] ?? `"${delimiter}"`;
}

function lineEnd(sample: Buffer, from: number): number {
  const end = sample.subarray(from).findIndex((byte) => byte === 10 || byte === 13);
  if (end < 0) return sample.length;
  return sample[from + end] === 13 && sample[from + end + 1] === 10 ? from + end + 1 : from + end;
}

const lineText = (sample: Buffer, from: number): string =>
  sample.toString('utf8', from, Math.min(lineEnd(sample, from), from + 10_000)).replace(/\r$/, '');

function afterBlank(sample: Buffer, from: number, firstLine: number): { skip: number; line: number } {
  let [skip, line] = [Math.min(from, sample.length), firstLine];
  while (sample[skip] === 10 || sample[skip] === 13) {
    skip = lineEnd(sample, skip) + 1;
    line += 1;
  }
  return { skip, line };
}

/** A record of the sample; its line is counted from where the sample begins. */
interface SampleRecord {
  readonly cells: readonly string[];
  readonly line: number;
}

/** A cell in single quotes, and one in double quotes. */
const singleQuoted = /(?:^|[,;\t|])[ \t]*'(?:[^']|'')*'[ \t]*(?=[,;\t|]|$)/;
const doubleQuoted = /(?:^|[,;\t|])[ \t]*"/;

/** Single quotes, where most lines have a cell in them and none has one in double quotes. */
function quoteOf(body: Buffer): Quote {
  const lines = body.toString('utf8').split(/\r\n|\r|\n/, sampleRecords);
  const filled = lines.filter((line) => line !== '');
  const single = filled.filter((line) => singleQuoted.test(line)).length;
  return single * 2 > filled.length && !filled.some((line) => doubleQuoted.test(line)) ? "'" : '"';
}

/** The first records; as many as can be read. */
function recordsOf(
  body: Buffer,
  options: RecordOptions,
  { whole, gap }: { whole: boolean; gap: readonly string[] },
): SampleRecord[] {
  const records: SampleRecord[] = [];
  const visit = (record: TableRecord) => {
    const texts = Array.from({ length: record.cells }, (_, cell) => cellText(record, cell));
    const cells = texts.map((text) => (gap.includes(text) ? '' : text));
    records.push({ cells, line: record.line });
  };
  try {
    const reader = new RecordReader(options, visit);
    reader.feed(body);
    if (whole) reader.end();
  } catch {
    // What is wrong there is said when the whole file is read.
  }
  return records;
}

/** The delimiter that splits most lines as it splits the first; where none does, because text stands above the table, most lines alike. */
function chooseDelimiter(cut: (delimiter: string) => SampleRecord[]): string {
  let best = { delimiter: ',', share: 0 };
  let likely: string | undefined;
  for (const delimiter of delimiters) {
    const records = cut(delimiter);
    if (likely === undefined && usualWidth(records).share >= 0.9) likely = delimiter;
    const first = records[0]?.cells ?? [];
    if (first.length < 2) continue;
    const alike = records.filter(
      ({ cells }) => cells.length === first.length || withoutTail(cells) === withoutTail(first),
    ).length;
    const share = alike / records.length;
    if (share > best.share) best = { delimiter, share };
  }
  return best.share < 0.5 && likely !== undefined ? likely : best.delimiter;
}

function namesIn(comment: string, delimiter: string, width: number): string[] | undefined {
  const names = comment
    .trim()
    .replace(/^#+\s*/, '')
    .split(delimiter === ' ' ? /\s+/ : delimiter);
  return names.length === width ? names.map((name) => name.trim()) : undefined;
}
