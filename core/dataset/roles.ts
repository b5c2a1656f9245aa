import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { deviceNames, isElapsedName, isIdName, isTimeName, plainName, timeNames } from './column-names.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { isGap } from './gap-words.ts';
import type { Survey } from './survey.ts';
import { isDateInDigits, isLikelyEpoch } from './time-cell.ts';

/** What a column became. */
export interface ColumnRole {
  readonly name: string;
  readonly role: 'value' | 'label' | 'device' | 'time' | 'segment' | 'left out';
  /** Why, or what is worth knowing; empty where a column of numbers is a value. */
  readonly reason: string;
}

/** What is said of columns by name. */
export interface RoleOptions {
  readonly truth?: string | undefined;
  readonly device?: string | undefined;
  readonly time?: string | undefined;
  /** The column that says which rows end a segment. Default: one called `endsSegment`. */
  readonly endsSegment?: string | undefined;
  /** The time of day, where the time is a date alone. */
  readonly clock?: string | undefined;
  /** The value columns, in this order. Default: every column that measures something. */
  readonly fields?: readonly string[] | undefined;
  /** Columns to take as values that would be left out as a counter, an id or a time. */
  readonly keep?: readonly string[] | undefined;
  /** Columns to leave out. */
  readonly drop?: readonly string[] | undefined;
}

/** Where the columns of each role stand; -1: there is none. */
export interface Roles {
  readonly truth: number;
  readonly device: number;
  readonly time: number;
  /** Where the time of day stands, if the time is a date alone. */
  readonly clock: number;
  /** Which rows end a segment. */
  readonly segment: number;
  readonly values: readonly number[];
  readonly columns: readonly ColumnRole[];
}

/** Fewer rows tell nothing of a column: any two numbers rise or fall. */
const fewestRows = 20;

/**
 * Gives each column its role, with the reason.
 * @throws {GaplineError} `data-invalid` where a column that is named is not there.
 */
export function assignRoles(survey: Survey, options: RoleOptions): Roles {
  const { columns } = survey;
  const { unread } = survey.table;
  const find = (name: string | undefined) => (name === undefined ? -1 : findReadable(survey, name));
  for (const name of options.keep ?? []) findReadable(survey, name);
  for (const name of options.drop ?? []) findColumn(survey, name);
  const truth = find(options.truth);
  const named = new Set(options.fields?.map((name) => findReadable(survey, name)));
  const isFree = (index: number) =>
    index !== truth &&
    !named.has(index) &&
    !options.keep?.includes(elementAt(columns, index).name) &&
    !options.drop?.includes(elementAt(columns, index).name);
  const isClock = (index: number) => columns.some((date) => isDate(date) && isClockOf(date, elementAt(columns, index)));
  const time =
    options.time === undefined
      ? guess(columns, timeNames, (index) => isFree(index) && isTime(elementAt(columns, index)) && !isClock(index))
      : find(options.time);
  const clock =
    options.clock === undefined
      ? columns.findIndex((column, index) => isFree(index) && isClockOf(columns[time], column))
      : findClock(survey, options.clock, columns[time]);
  const device =
    options.device === undefined
      ? guess(columns, deviceNames, (index) => isFree(index) && index !== time && recurs(elementAt(columns, index)))
      : find(options.device);
  const segment =
    options.endsSegment === undefined
      ? columns.findIndex(({ name }, index) => isFree(index) && plainName(name) === 'endssegment')
      : find(options.endsSegment);
  const roles = columns.map((column, index): ColumnRole => {
    const is = (role: ColumnRole['role'], reason: string) => ({ name: column.name, role, reason });
    if (named.has(index)) return is('value', describeValue(column));
    if (index === truth) return is('label', describeLabel(column));
    if (index === time) return is('time', options.time === undefined ? 'by its name; --time names another' : '');
    if (index === clock)
      return is(
        'left out',
        `the time of day${column.clockForm === '18:05' ? '' : ` (${column.clockForm})`}, which is joined to "${elementAt(columns, time).name}"`,
      );
    if (index === device)
      return is(
        'device',
        `${column.distinctText} different${options.device === undefined ? ', by its name; --device names another' : ''}`,
      );
    if (index === segment) return is('segment', 'true where a row ends its segment');
    if (options.fields) return is('left out', 'is not among data.fields');
    if (options.drop?.includes(column.name)) return is('left out', 'as demanded');
    const kept = options.keep?.includes(column.name) ?? false;
    const why = kept ? undefined : (unread.get(column.name) ?? whyLeftOut(column));
    return why === undefined
      ? is('value', [describeValue(column), kept ? 'kept as demanded' : ''].filter((part) => part !== '').join('; '))
      : is('left out', why);
  });
  const values = options.fields ? [...named] : roles.flatMap(({ role }, index) => (role === 'value' ? [index] : []));
  return { truth, device, time, clock, segment, values, columns: roles };
}

/** @throws {GaplineError} `data-invalid`, with the name that is nearest. */
export function findColumn({ table }: Survey, name: string): number {
  const names = table.columns;
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const place = /^\d{1,6}$/.test(name) ? Number(name) - 1 : -1;
  if (place >= 0 && place < names.length) return place;
  const alike = names.find((candidate) => plainName(candidate) === plainName(name));
  const hint =
    alike === undefined ? `its columns are ${shorten(names.join(', '), 300)}` : `did you mean "${shorten(alike)}"?`;
  throw new GaplineError('data-invalid', `${table.name}: there is no column "${shorten(name)}"; ${hint}`);
}

/** @throws {GaplineError} `data-invalid` where there is no such column, or its cells cannot be read */
function findReadable(survey: Survey, name: string): number {
  const index = findColumn(survey, name);
  const why = survey.table.unread.get(elementAt(survey.columns, index).name);
  if (why === undefined) return index;
  throw new GaplineError('data-invalid', `${survey.table.name}: column "${shorten(name)}" ${why}`);
}

/** @throws {GaplineError} `data-invalid` where it holds no times of day, or there is no date to join them to */
function findClock(survey: Survey, name: string, date: ColumnSurvey | undefined): number {
  const index = findColumn(survey, name);
  const { clockForm } = elementAt(survey.columns, index);
  if (clockForm !== undefined && date !== undefined && isDate(date)) return index;
  const why = clockForm === undefined ? 'its cells are no times of day, such as 18:05' : 'the time is no date alone';
  throw new GaplineError('data-invalid', `${survey.table.name}: column "${shorten(name)}" cannot be the clock: ${why}`);
}

function guess(columns: readonly ColumnSurvey[], names: readonly string[], fits: (index: number) => boolean): number {
  const plain = columns.map(({ name }) => plainName(name));
  for (const name of names) {
    const index = plain.findIndex((each, at) => each === name && fits(at));
    if (index >= 0) return index;
  }
  return -1;
}

/** Whether most cells are dates, or numbers that are likely dates. */
function isTime(column: ColumnSurvey): boolean {
  if (column.gaps > 0 || column.filled === 0) return false;
  if (column.kind === 'time') return !isUnordered(column);
  if (column.kind !== 'numeric' || column.unit !== '' || !column.firstNumber) return false;
  return isLikelyEpoch(Number(column.firstNumber.cell.replace(',', '.')));
}

/** Whether dates such as 03/04/2026 never prove which is the day, or those such as 26-01-31 which is the year. */
const isUnordered = ({ eitherOrder, dateOrder, isYearUnclear }: ColumnSurvey): boolean =>
  isYearUnclear || (eitherOrder && dateOrder === undefined);

/** Whether one column holds dates and nothing else, and the other the times of day to them. */
function isClockOf(date: ColumnSurvey | undefined, clock: ColumnSurvey): boolean {
  if (date === undefined || date === clock || !isTimeName(clock.name) || clock.clockForm === undefined) return false;
  return isDate(date);
}

/** Whether a column holds days, without times. */
const isDate = (column: ColumnSurvey): boolean =>
  column.kind === 'time'
    ? column.firstTime?.cell.includes(':') === false
    : isTimeName(column.name) && isDaysInDigits(column);

/** Whether every number is a day, such as 20260131. */
const isDaysInDigits = ({ filled, wholes, least, most }: ColumnSurvey): boolean =>
  filled > 0 && filled === wholes && isDateInDigits(least) && isDateInDigits(most) && most < 1e8;

/** Whether a column names things that come again. */
function recurs(column: ColumnSurvey): boolean {
  const names = column.kind === 'text' || (column.kind === 'numeric' && column.wholes === column.numbers);
  return names && column.gaps === 0 && !column.full && column.distinct.size * 2 <= column.rows;
}

function describeLabel({ full, distinct, distinctText, filled, rows, wordsForLabels }: ColumnSurvey): string {
  const labelled = wordsForLabels.reduce((sum, [, count]) => sum + count, filled);
  const different = full ? distinctText : String(distinct.size + wordsForLabels.length);
  return `${different} different, ${labelled} of ${rows} rows have one`;
}

function whyLeftOut(column: ColumnSurvey): string | undefined {
  const { kind, name, rows, filled } = column;
  const words = `${column.distinctText} different in ${filled} of ${rows} rows`;
  if (kind === 'empty') return `empty: no value in ${rows} rows`;
  if (kind === 'boolean') return `true or false (${column.distinct.texts.join(', ')}): ${words}`;
  if (kind === 'time')
    return isUnordered(column)
      ? `dates: ${words}; which is the ${column.isYearUnclear ? 'year' : 'day'} in "${column.firstTime?.cell}" cannot be told: write the year first, in four digits`
      : `dates: ${words}; --time "${name}" makes it the time`;
  if (kind === 'text') return `${describeText(column)}: ${words}`;
  if (column.rows < fewestRows || column.unit !== '') return undefined;
  const remedy = `; --keep "${name}" takes it as a value`;
  if (column.wholes < column.filled) return whyNoMeasurement(column, remedy);
  const range = `from ${column.least} to ${column.most}`;
  const steady = column.rises === column.wholes - 1 || (column.falls === column.wholes - 1 && column.evenSteps);
  if (isEpoch(column))
    return `looks like ${isDateInDigits(column.least) ? 'dates' : 'times since 1970'}, ${range}; --time "${name}" makes it the time${remedy}`;
  if (steady && (column.evenSteps || column.most - column.least < column.wholes * 2))
    return `a counter, ${range}${remedy}`;
  if (isElapsed(column)) return `rises with the rows, as the time that has passed, ${range}${remedy}`;
  if (column.isPermutation) return `numbers the rows, ${range}${remedy}`;
  if (isIdName(name) && (column.full ? steady || isAllDifferent(column) : isAllDifferent(column)))
    return `an id: each row has another${remedy}`;
  return undefined;
}

/** Why numbers with fractions measure nothing; undefined where they may. */
function whyNoMeasurement(column: ColumnSurvey, remedy: string): string | undefined {
  const { name, sequence } = column;
  const { least, most, isRising, evenSteps, rising } = sequence;
  const range = `from ${least} to ${most}${column.full ? ' and on' : ''}`;
  const inYears = [1, 1e3].some((scale) => least >= 1e9 * scale && most <= 2.1e9 * scale);
  if (inYears && (isTimeName(name) || rising > 0.8))
    return `looks like times since 1970, ${range}; --time "${name}" makes it the time${remedy}`;
  // A measurement may rise evenly for a while, as whole numbers hardly do.
  if (isRising && evenSteps && isIdName(name)) return `a counter, ${range}${remedy}`;
  if (isElapsed(column)) return `rises with the rows, as the time that has passed, ${range}${remedy}`;
  return undefined;
}

/** Whether a column is called a time and nearly always rises: one that was begun again falls now and then. */
const isElapsed = ({ name, sequence }: ColumnSurvey): boolean => sequence.rising > 0.95 && isElapsedName(name);

function describeText({ name, clocks, filled, firstOther }: ColumnSurvey): string {
  if (clocks > 0 && clocks === filled) return 'times of day without a date';
  const cell = firstOther?.cell ?? '';
  return isTimeName(name) && /\d/.test(cell)
    ? `text ("${shorten(cell, 40)}" is no time that can be read; 2026-01-31 12:00:00 is)`
    : 'text';
}

const isAllDifferent = ({ full, distinct, filled }: ColumnSurvey): boolean =>
  full ? distinct.counts.every((count) => count === 1) : distinct.size === filled;

/** Whole numbers of the years 2001 to 2036 that hardly ever fall, or are called a time. */
function isEpoch({ least, most, falls, wholes, name }: ColumnSurvey): boolean {
  if (isDateInDigits(least) && isDateInDigits(most) && isTimeName(name)) return true;
  const inYears = [1, 1e3, 1e6, 1e9].some((scale) => least >= 1e9 * scale && most <= 2.1e9 * scale);
  return inYears && (isTimeName(name) || falls < wholes * 0.2);
}

function describeValue(column: ColumnSurvey): string {
  const parts: string[] = [];
  if (column.unit !== '') parts.push(`in ${column.unit}`);
  if (column.gaps > 0) {
    const words = column.gapWords.length > 0 ? ` (${column.gapWords.join(', ')})` : '';
    parts.push(`${column.gaps} gap${column.gaps === 1 ? '' : 's'}${words}`);
  }
  const sentinel = sentinelOf(column);
  if (sentinel !== undefined)
    parts.push(`"${sentinel}" recurs far from all others; if it means "not measured", say --gap "${sentinel}"`);
  if (column.restarts > 0 && column.rows >= fewestRows)
    parts.push(`counts up and begins again ${column.restarts} times; --drop "${column.name}" if it measures nothing`);
  if (column.filled > 1 && column.distinct.size === 1 && !column.full) parts.push('the same in every row');
  return parts.join(', ');
}

/** Numbers that loggers write where a sensor gave nothing: -999, 9999.0, the ends of 16 and 32 bits. */
const sentinels = /^-?(?:9{3,}|32767|32768|65535|2147483647|2147483648)(?:[.,]9*0*)?$/;

/** Such a number that stands there at least twice and at least as far from all others as they are from each other. */
function sentinelOf({ kind, distinct }: ColumnSurvey): string | undefined {
  if (kind !== 'numeric') return undefined;
  return distinct.texts.find((text, at) => {
    if (!sentinels.test(text) || elementAt(distinct.counts, at) < 2) return false;
    const others = distinct.texts.flatMap((other) => (other === text || isGap(other) ? [] : [numberOf(other)]));
    const [least, most] = [Math.min(...others), Math.max(...others)];
    const value = numberOf(text);
    return others.length > 1 && Math.max(least - value, value - most) > Math.max(most - least, 100);
  });
}

const numberOf = (text: string): number => Number(text.replace(',', '.'));
