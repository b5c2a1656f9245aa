import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { shellWord } from '../wire/shell-word.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { type Categories, segmentEnd } from './dataset.ts';
import { Dictionary } from './dictionary.ts';
import { shapes } from './digits.ts';
import { isGap, isUnlabelled } from './gap-words.ts';
import { NumberCell } from './number.ts';
import { contradicts, type NumberRule } from './number-rule.ts';
import { cellText, placeOf, type TableRecord } from './records.ts';
import { refuseCell } from './refuse-cell.ts';
import type { Roles } from './roles.ts';
import type { Survey } from './survey.ts';
import type { TimeUnit } from './time-cell.ts';
import { TimeReader } from './time-reader.ts';

/** More devices or labels than this are not kept. */
const mostNames = 1_000_000;

export interface ReadersOptions {
  readonly survey: Survey;
  readonly roles: Roles;
  readonly rule: NumberRule;
  /** Rows that there is room for. */
  readonly count: number;
  readonly timeUnit: TimeUnit | undefined;
}

/** Fills the arrays of a data set, row by row. */
export interface RowReader {
  readonly values: Float64Array;
  readonly devices: Categories | undefined;
  readonly times: BigInt64Array | undefined;
  /** By row, 1 where it ends a segment. */
  readonly segments: Uint8Array | undefined;
  readonly notes: readonly string[];
  /** @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there. */
  read(record: TableRecord, row: number): void;
  /** As {@link RowReader.read}, with values that a survey has just read. */
  readSurveyed(record: TableRecord, row: number, seen: Pick<Survey, 'columns' | 'last'>): void;
  /** Once all rows are read: classes in order, and which of them each row has. */
  labels(): { classes: string[]; labels: Int32Array };
}

/** Readers for the columns that have a role. Their arrays are as large as the table, and nothing grows while it is read. */
export function cellReaders({ survey, roles, rule, count, timeUnit }: ReadersOptions): RowReader {
  const { columns, table } = survey;
  const cells = Int32Array.from(roles.values);
  const comma = rule.decimal === '.' ? 0 : 1;
  const decimalShape = rule.decimal === '.' ? shapes.point : shapes.comma;
  const width = roles.values.length;
  const values = floats(table.name, count * width);
  const numbers = roles.values.map((index) => new NumberReader(columns[index]!, index, rule));
  const truths = roles.truth < 0 ? undefined : new NameReader(columns[roles.truth]!, roles.truth, count);
  const devices = roles.device < 0 ? undefined : new NameReader(columns[roles.device]!, roles.device, count);
  const times = roles.time < 0 ? undefined : new TimeReader(columns, roles, count, timeUnit);
  const segments = roles.segment < 0 ? undefined : new SegmentReader(columns[roles.segment]!, roles.segment, count);
  const readNames = (record: TableRecord, row: number, surveyed?: readonly ColumnSurvey[]) => {
    truths?.read(record, row, surveyed?.[roles.truth]?.text);
    if (devices) requireText(record, roles.device, devices.column.name);
    devices?.read(record, row, surveyed?.[roles.device]?.text);
    times?.read(record, row);
    segments?.read(record, row);
  };
  return {
    values,
    devices: devices && { names: devices.dictionary.texts, index: devices.index },
    times: times?.times,
    segments: segments?.ends,
    notes: times?.notes ?? [],
    read(record, row) {
      for (let at = 0; at < width; at++) values[row * width + at] = numbers[at]!.read(record);
      readNames(record, row);
    },
    readSurveyed(record, row, { columns: surveyed, last }) {
      const base = row * width;
      const { digits } = record;
      for (let at = 0; at < width; at++) {
        const cell = cells[at]!;
        const shape = digits === undefined ? shapes.unread : digits.shapes[cell]!;
        if (shape === decimalShape) values[base + at] = digits!.values[cell]!;
        else values[base + at] = shape === shapes.unread ? last[cell * 2 + comma]! : digits!.number(cell, rule.decimal);
      }
      readNames(record, row, surveyed);
    },
    labels: () => (truths ? sortedLabels(truths) : { classes: [], labels: new Int32Array(count).fill(-1) }),
  };
}

/**
 * An array of zeros.
 * @throws {GaplineError} `data-invalid` where there is not so much memory
 */
export function floats(file: string, length: number): Float64Array {
  try {
    return new Float64Array(length);
  } catch (error) {
    const gigabytes = ((length * 8) / 1e9).toFixed(1);
    throw new GaplineError(
      'data-invalid',
      `${file}: its numbers take ${gigabytes} GB, more than there is; take fewer rows or columns`,
      { cause: error },
    );
  }
}

const number = new NumberCell();

class NumberReader {
  readonly #column: ColumnSurvey;
  readonly #index: number;
  readonly #rule: NumberRule;
  readonly #pointed: boolean;
  readonly #unit: string;

  constructor(column: ColumnSurvey, index: number, rule: NumberRule) {
    this.#column = column;
    this.#index = index;
    this.#rule = rule;
    this.#pointed = rule.decimal === '.';
    this.#unit = column.unit;
  }

  read(record: TableRecord): number {
    const from = record.starts[this.#index]!;
    const to = record.ends[this.#index]!;
    if (from === to) return Number.NaN;
    if (!number.take(record, this.#index)) return this.#gap(record);
    if (number.unit !== this.#unit) this.#wrongUnit(record);
    const value = this.#pointed ? number.point : number.comma;
    if (Number.isNaN(value))
      refuseCell(record, this.#column.name, cellText(record, this.#index), contradicts(this.#rule));
    return value;
  }

  #gap(record: TableRecord): number {
    const text = cellText(record, this.#index);
    if (isGap(text)) return Number.NaN;
    const remedy = `a gap is an empty cell, NA, or what --gap names: --gap ${shellWord(shorten(text, 40))}`;
    refuseCell(record, this.#column.name, text, `is not a finite number; ${remedy}`);
  }

  #wrongUnit(record: TableRecord): never {
    const others = this.#unit === '' ? 'most cells have no unit' : `most cells are in ${this.#unit}`;
    refuseCell(
      record,
      this.#column.name,
      cellText(record, this.#index),
      `${number.unit === '' ? 'has no unit' : `is in ${number.unit}`}, but ${others}`,
    );
  }
}

/** Texts as numbers of a dictionary. */
class NameReader {
  readonly column: ColumnSurvey;
  readonly dictionary = new Dictionary(mostNames);
  readonly index: Int32Array;
  readonly #at: number;
  readonly #places: (number | undefined)[] = [];

  constructor(column: ColumnSurvey, at: number, count: number) {
    this.column = column;
    this.index = new Int32Array(count);
    this.#at = at;
  }

  /** @param text - the number that a survey has given the text, if any: its place here is looked up once */
  read(record: TableRecord, row: number, text = -1): void {
    const known = text < 0 ? undefined : this.#places[text];
    const found = known ?? this.#find(record);
    if (known === undefined && text >= 0) this.#places[text] = found;
    this.index[row] = found;
  }

  #find({ bytes, starts, ends, file }: TableRecord): number {
    const found = this.dictionary.add(bytes, starts[this.#at]!, ends[this.#at]!);
    if (found < 0)
      throw new GaplineError(
        'data-invalid',
        `${file}: column "${shorten(this.column.name)}" has more than ${mostNames} different cells`,
      );
    return found;
  }
}

const yes = new Set(['true', 't', 'yes', 'y', '1', '1.0']);
const no = new Set(['', 'false', 'f', 'no', 'n', '0', '0.0']);

/** Which rows end a segment. */
class SegmentReader {
  readonly ends: Uint8Array;
  readonly #column: ColumnSurvey;
  readonly #at: number;

  constructor(column: ColumnSurvey, at: number, count: number) {
    this.#column = column;
    this.#at = at;
    this.ends = new Uint8Array(count);
  }

  read(record: TableRecord, row: number): void {
    if (record.starts[this.#at] === record.ends[this.#at]) return;
    const text = cellText(record, this.#at).trim();
    const plain = text.toLowerCase();
    if (yes.has(plain)) this.ends[row] = segmentEnd;
    else if (!no.has(plain) && !isGap(text))
      refuseCell(record, this.#column.name, text, 'is neither true nor false; 1 or true where a row ends its segment');
  }
}

function requireText(record: TableRecord, at: number, column: string): void {
  if (record.starts[at] === record.ends[at])
    throw new GaplineError('data-invalid', `${placeOf(record)}, column "${shorten(column)}": the cell is empty`);
}

/** Classes in the order of their code units; a gap word is no class. */
function sortedLabels({ dictionary, index }: NameReader): { classes: string[]; labels: Int32Array } {
  const classes = dictionary.texts.filter((text) => !isUnlabelled(text)).sort();
  const places = new Map(classes.map((name, place) => [name, place]));
  const byNumber = Int32Array.from(dictionary.texts, (text) => places.get(text) ?? -1);
  for (let row = 0; row < index.length; row++) index[row] = byNumber[index[row]!]!;
  return { classes, labels: index };
}
