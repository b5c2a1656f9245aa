import { elementAt } from '../numeric/element.ts';
import { deviceNames, labelNames, plainName, timeNames } from './column-names.ts';
import { isGap } from './gap-words.ts';
import { NumberCell } from './number.ts';
import { looksLikeTime } from './time-cell.ts';

/** The cells of the first records of a file. */
type Rows = readonly (readonly string[])[];

const roleNames = new Set<string>([...deviceNames, ...timeNames, ...labelNames]);

/** How many cells there are without the empty ones at the end. */
export const withoutTail = (cells: readonly string[]): number => cells.findLastIndex((cell) => cell !== '') + 1;

/**
 * Whether the first record names columns: a column of numbers has a word there, or a column of a few recurring words has another. Names
 * that count 0, 1, 2… are names.
 */
export function hasHeader([first = [], ...rest]: Rows): boolean {
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

/** More lines than this do not stand above a table. */
const mostAbove = 50;

/** How many cells most records have, of those with more than one, and their share. */
export function usualWidth(records: readonly { readonly cells: readonly string[] }[]): {
  width: number;
  share: number;
} {
  const counts = new Map<number, number>();
  for (const { cells } of records) if (cells.length > 1) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [width, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best), [0, 0]);
  return { width, share: count / Math.max(1, records.length) };
}

/** How many records stand above a table: a title, or when and where it was made. Only where a header follows that has a cell a column. */
export function linesAbove(records: readonly { readonly cells: readonly string[] }[]): number {
  const { width } = usualWidth(records);
  const begin = records.findIndex(({ cells }) => cells.length === width);
  if (begin < 1 || begin > mostAbove) return 0;
  const rows = records.slice(begin - 1).map(({ cells }) => cells);
  if (namesRows(rows)) return begin - 1;
  const [, ...table] = rows;
  const tail = Math.max(...table.map(withoutTail));
  const isRegular = usualWidth(table.map((cells) => ({ cells }))).share >= 0.9;
  return elementAt(records, 0).cells.length < tail &&
    isRegular &&
    table.length > 2 &&
    hasHeader(table) &&
    !isRow(elementAt(table, 0))
    ? begin
    : 0;
}

/** Whether a record holds a number or a date. */
const isRow = (cells: readonly string[]): boolean => cells.some((cell) => isData(cell));

/** Whether the first record has a name for each column but the first one, which numbers or names the rows. */
export function namesRows([first = [], ...rest]: Rows): boolean {
  if (rest.length < 2 || !isFullOfNames(first)) return false;
  return rest.filter((cells) => withoutTail(cells) === first.length + 1).length > rest.length * 0.9;
}

/** Whether every cell is a name, and none stands there twice. */
export const isFullOfNames = (cells: readonly string[]): boolean =>
  new Set(cells).size === cells.length && cells.every((cell) => cell !== '' && !isData(cell));

/**
 * Whether the second record belongs to the header: it has no number where the columns have theirs, no word that comes again below it, and
 * units or names instead.
 */
export function isSecondHeader([first = [], second = [], ...rest]: Rows): boolean {
  if (rest.length < 3 || second.length > first.length) return false;
  const columns = second.map((cell, column) => ({
    cell,
    cells: rest.map((cells) => cells[column] ?? '').filter((each) => !isGap(each)),
  }));
  if (columns.some(({ cell, cells }) => isData(cell) || (!isGap(cell) && cells.includes(cell)))) return false;
  const measured = columns.filter(({ cells }) => cells.length > 0 && cells.filter(isData).length > cells.length * 0.9);
  const words = measured.map(({ cell }) => cell).filter((cell) => !isGap(cell));
  if (words.length === 0) return false;
  const isNamed = isFullOfNames(first);
  return isNamed ? words.every(isUnit) : words.length === measured.length && second.length === first.length;
}

/** `°C`, `[mm/s]`, `(kPa)`: short, and no word for a fault. */
const isUnit = (cell: string): boolean =>
  /^[[(<{].*[\])>}]$/.test(cell) ||
  (/[°%‰/²³µμΩ^*]/.test(cell) && cell.length <= 12) ||
  (cell.length <= 4 && !/^(err|bad|off|on|low|high|max|min|yes|no|fail|nok|ok)$/i.test(cell));

/** Names in two lines: the second alone where it tells all columns apart, else under the first, which spans the columns up to its next. */
export function joinedNames(first: readonly string[], second: readonly string[]): string[] {
  if (isFullOfNames(second)) return [...second];
  let group = '';
  return second.map((name, column) => {
    const above = first[column] ?? '';
    // A line of dashes, as Markdown has it, names nothing.
    if (name === '' || /^:?-+:?$/.test(name)) return above;
    group = above || group;
    return group === '' ? name : `${group} ${name}`;
  });
}
