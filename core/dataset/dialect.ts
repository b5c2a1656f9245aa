import { elementAt } from '../numeric/element.ts';
import { deviceNames, labelNames, plainName, timeNames } from './column-names.ts';
import { isGap } from './gap-words.ts';
import { NumberCell } from './number.ts';
import { cellText, RecordReader, type TableRecord } from './records.ts';
import { looksLikeTime } from './time-cell.ts';

/** How a file is laid out. */
export interface Dialect {
  /** One character; ` ` stands for any run of spaces and tabs. */
  readonly delimiter: string;
  /** Whether the first record names the columns. */
  readonly header: boolean;
  /** Bytes before the first record: `sep=` and comments. */
  readonly skip: number;
  /** The line that the first record is on. */
  readonly line: number;
  /** Where the names stand in a comment above the data: `# time, flow, label`. */
  readonly names?: readonly string[];
  /** What was unusual, for people. */
  readonly notes: readonly string[];
}

/** Of a file's beginning, so many records are looked at. */
const sampleRecords = 500;

/** Likeliest first, where several split every line alike: with a decimal comma both `;` and `,` may. */
const delimiters = [';', '\t', '|', ',', ' '] as const;

const roleNames = new Set<string>([...deviceNames, ...timeNames, ...labelNames]);

/** A row may begin with a word for a gap that has a hash. */
const hashWord = /^#(N\/A|NA|DIV\/0!|VALUE!|NUM!|REF!|NULL!|NAME\?)(?![\p{L}\d])/u;

/**
 * How a file is laid out, seen from its beginning.
 * @param sample - the first bytes of the file
 * @param whole - whether that is all of it
 */
export function dialectOf(file: string, sample: Buffer, whole: boolean): Dialect {
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
    notes.push(
      line - firstComment === 1
        ? `line ${firstComment} is a comment`
        : `lines ${firstComment} to ${line - 1} are comments`,
    );
  const body = sample.subarray(skip);
  const cut = (delimiter: string) => recordsOf(file, body, delimiter, whole);
  const delimiter = named?.[1] ?? chooseDelimiter(cut);
  const records = cut(delimiter);
  const header = records.length < 2 || hasHeader(records);
  if (delimiter !== ',') notes.push(`columns are parted by ${nameOf(delimiter)}`);
  const names = header || comment === '' ? undefined : namesIn(comment, delimiter, elementAt(records, 0).length);
  if (names) notes.push('the comment above the data names the columns');
  else if (!header) notes.push(`line ${line} is data: there is no header, so columns are named by their place`);
  return { delimiter, header, skip, line, notes, ...(names && { names }) };
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

/** The cells of the first records; as many as can be read. */
function recordsOf(file: string, body: Buffer, delimiter: string, whole: boolean): string[][] {
  const records: string[][] = [];
  const visit = (record: TableRecord) => {
    if (records.length < sampleRecords)
      records.push(Array.from({ length: record.cells }, (_, cell) => cellText(record, cell)));
  };
  try {
    const reader = new RecordReader({ file, delimiter }, visit);
    reader.feed(body);
    if (whole) reader.end();
  } catch {
    // What is wrong there is said when the whole file is read.
  }
  return records;
}

/** The delimiter that splits most lines as it splits the first. */
function chooseDelimiter(cut: (delimiter: string) => string[][]): string {
  let best = { delimiter: ',', share: 0 };
  for (const delimiter of delimiters) {
    const records = cut(delimiter);
    const width = records[0]?.length ?? 0;
    if (width < 2) continue;
    const alike = records.filter(
      (cells) => cells.length === width || withoutTail(cells) === withoutTail(elementAt(records, 0)),
    ).length;
    const share = alike / records.length;
    if (share > best.share) best = { delimiter, share };
  }
  return best.delimiter;
}

/** How many cells there are without the empty ones at the end. */
const withoutTail = (cells: readonly string[]): number => cells.findLastIndex((cell) => cell !== '') + 1;

/**
 * Whether the first record names columns: a column of numbers has a word there, or a column of a few recurring words has another. Names
 * that count 0, 1, 2… are names.
 */
function hasHeader([first = [], ...rest]: readonly string[][]): boolean {
  const columns = first.map((name, column) => ({
    name,
    cells: rest.map((cells) => cells[column] ?? '').filter((cell) => !isGap(cell)),
  }));
  const counted = columns.filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => Number(name));
  if (
    counted.length > 1 &&
    elementAt(counted, 0) <= 1 &&
    counted.every((name, at) => name === elementAt(counted, 0) + at)
  )
    return true;
  const measured = columns.filter(({ cells }) => cells.length > 0 && cells.filter(isData).length > cells.length / 2);
  const headed = measured.filter(({ name }) => !isGap(name));
  if (headed.length === 0) return true;
  if (headed.some(({ name, cells }) => !isData(name) || unitOf(name) !== unitOf(elementAt(cells, 0)))) return true;
  return columns.some(
    (column) =>
      !measured.includes(column) && (isRoleName(column.name, column.cells) || isStrangeTo(column.name, column.cells)),
  );
}

/** Whether a word is what such columns are called, and none of its cells. */
const isRoleName = (name: string, cells: readonly string[]): boolean =>
  roleNames.has(plainName(name)) && !cells.includes(name);

/** Whether a word is none of the few that recur below it. */
function isStrangeTo(name: string, cells: readonly string[]): boolean {
  const seen = new Set(cells);
  return name !== '' && cells.length >= 6 && seen.size <= cells.length / 3 && !seen.has(name);
}

const number = new NumberCell();

function isData(cell: string): boolean {
  const bytes = Buffer.from(cell);
  return looksLikeTime(cell) || number.scan(bytes, 0, bytes.length);
}

/** What follows the number: a name such as `2m_temp` is no number of a column without units. */
function unitOf(cell: string): string {
  const bytes = Buffer.from(cell);
  return number.scan(bytes, 0, bytes.length) ? number.unit : '';
}

function namesIn(comment: string, delimiter: string, width: number): string[] | undefined {
  const names = comment
    .trim()
    .replace(/^#+\s*/, '')
    .split(delimiter === ' ' ? /\s+/ : delimiter);
  return names.length === width ? names.map((name) => name.trim()) : undefined;
}
