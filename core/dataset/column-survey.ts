import { type ClockForm, clockFormOf, isTimeOfDay } from './clock-cell.ts';
import { Dictionary } from './dictionary.ts';
import { shapes } from './digits.ts';
import { isGap, isUnlabelled } from './gap-words.ts';
import { NumberCell } from './number.ts';
import { cellText, placeOf, type TableRecord } from './records.ts';
import { Sequence } from './sequence.ts';
import { type DateOrder, looksLikeTime, orderOf, shortDateOf } from './time-cell.ts';

/** A cell that was seen. */
export interface Seen {
  readonly cell: string;
  /** `data.csv: line 3`. */
  readonly place: string;
  /** Records before it. */
  readonly row: number;
}

/** `empty`: nothing but gaps. */
export type ColumnKind = 'numeric' | 'time' | 'boolean' | 'text' | 'empty';

/** Different numbers with a fraction that are counted: more are measurements in any case. */
const mostMeasured = 1_000;
/** Texts of a column whose kind is remembered. */
const mostTexts = 256;
const isOther = 1;
/** Words for gaps that are remembered of a column. */
const mostGapWords = 5;
/** There are no more days in a month. */
const mostParts = 32;

const number = new NumberCell();
const booleanWords = new Set(['true', 'false', 'yes', 'no', 'on', 'off', 't', 'f', 'y', 'n']);

/** What one column holds: what helps to find its role and how its numbers are written. Its memory is bounded. */
export class ColumnSurvey {
  readonly name: string;
  gaps = 0;
  /** Cells that are numbers (with a unit or without), dates, or neither. */
  numbers = 0;
  times = 0;
  others = 0;
  firstTime: Seen | undefined;
  /** The first dates that can be read in one order only, and whether there is one that either order explains. */
  dayFirst: Seen | undefined;
  monthFirst: Seen | undefined;
  eitherOrder = false;
  /** The first date whose year has two digits, and what stands first and last in such dates. */
  shortYear: Seen | undefined;
  readonly #firstParts = new Set<string>();
  readonly #lastParts = new Set<string>();
  /** Cells that are a time of day without a date; they are among `others`, or among `times` where they may be a date too. */
  clocks = 0;
  firstOther: Seen | undefined;
  firstNumber: Seen | undefined;
  /** Different cells as they are written, gaps left out, up to a bound. */
  readonly distinct: Dictionary;
  /** Whether there are more different cells than were counted. */
  full = false;

  /** The first cell that is a number only with a decimal point, only with a comma, or another number with each. */
  onlyPoint: Seen | undefined;
  onlyComma: Seen | undefined;
  eitherPoint: Seen | undefined;
  eitherComma: Seen | undefined;
  /** Whole numbers without groups: below 1,000, and from 1,000 on. */
  small: Seen | undefined;
  large = false;
  readonly units = new Map<string, { count: number; first: Seen }>();

  /** All numbers, up to where there are too many different ones to be counted. */
  readonly sequence = new Sequence();

  /** Of whole numbers: how many, their range, and how each follows the one before it. */
  wholes = 0;
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;
  rises = 0;
  falls = 0;
  evenSteps = true;
  /** Steps up by exactly one, and the sum of the numbers after a fall. */
  ups = 0;
  restartsAt = 0;
  /** A sum of hashes, which is that of the range where every number of it occurs once. */
  hash = 0;
  #previous = Number.NaN;
  #step = Number.NaN;
  readonly #gapWords = new Map<string, number>();
  readonly #texts = new Dictionary(mostTexts);
  readonly #kinds: number[] = [];
  /** By the shape of a cell: whether one more number like it teaches nothing, but that there is one more. */
  readonly #settled = new Uint8Array(Object.keys(shapes).length);
  readonly #last: Float64Array;
  readonly #place: number;

  /** @param last - the last cell, where its digits were not read when it was cut: with a decimal point and with a comma, at `place` */
  constructor(name: string, mostDistinct: number, last: Float64Array, place: number) {
    this.name = name;
    this.#last = last;
    this.#place = place;
    this.distinct = new Dictionary(mostDistinct);
  }

  /** The number of the last cell's text, where it is one of the first that are neither numbers nor gaps; else -1. */
  text = -1;

  take(record: TableRecord, cell: number): void {
    const shape = record.digits === undefined ? shapes.unread : record.digits.shapes[cell]!;
    this.text = -1;
    if (this.#settled[shape] === 1) this.numbers += 1;
    else this.#observe(record, cell, shape);
  }

  #observe(record: TableRecord, cell: number, shape: number): void {
    const { bytes, starts, ends } = record;
    const from = starts[cell]!;
    const to = ends[cell]!;
    if (from === to) {
      this.gaps += 1;
      this.#keep(Number.NaN, Number.NaN);
    } else if (number.take(record, cell)) {
      this.#takeNumber(record, cell);
      if (shape === shapes.unread) this.#keep(number.point, number.comma);
      if (this.full) {
        if (shape !== shapes.unread && shape !== shapes.whole) this.#settled[shape] = 1;
      } else if (!number.whole && this.distinct.size >= mostMeasured) this.full = true;
      else this.#count(bytes, from, to);
    } else {
      this.#keep(Number.NaN, Number.NaN);
      this.#takeText(record, cell);
    }
  }

  #keep(point: number, comma: number): void {
    this.#last[this.#place] = point;
    this.#last[this.#place + 1] = comma;
  }

  #takeNumber(record: TableRecord, cell: number): void {
    const { point, comma, unit } = number;
    this.numbers += 1;
    this.firstNumber ??= this.#seen(record, cell);
    if (point !== comma) this.#takeSeparator(point, comma, record, cell);
    if (unit !== '') this.#takeUnit(unit, record, cell);
    if (!this.full) this.sequence.take(Number.isNaN(point) ? comma : point);
    if (!number.whole) return;
    if (Math.abs(point) >= 1_000) this.large = true;
    else this.small ??= this.#seen(record, cell);
    this.wholes += 1;
    if (point < this.least) this.least = point;
    if (point > this.most) this.most = point;
    if (this.wholes > 1) {
      const step = point - this.#previous;
      if (step > 0) {
        this.rises += 1;
        if (step === 1) this.ups += 1;
      } else if (step < 0) {
        this.falls += 1;
        this.restartsAt += point;
      }
      if (this.wholes === 2) this.#step = step;
      else if (step !== this.#step) this.evenSteps = false;
    }
    this.#previous = point;
    this.hash = (this.hash + hashOf(point)) | 0;
  }

  #takeSeparator(point: number, comma: number, record: TableRecord, cell: number): void {
    if (Number.isNaN(comma)) this.onlyPoint ??= this.#seen(record, cell);
    else if (Number.isNaN(point)) this.onlyComma ??= this.#seen(record, cell);
    else if (Math.abs(point) > Math.abs(comma)) this.eitherComma ??= this.#seen(record, cell);
    else this.eitherPoint ??= this.#seen(record, cell);
  }

  #takeUnit(unit: string, record: TableRecord, cell: number): void {
    const found = this.units.get(unit);
    if (found) found.count += 1;
    else if (this.units.size < 100) this.units.set(unit, { count: 1, first: this.#seen(record, cell) });
  }

  #takeText(record: TableRecord, cell: number): void {
    // Most texts recur: what they are is found by their bytes, without making a string.
    const number = this.#texts.add(record.bytes, record.starts[cell]!, record.ends[cell]!);
    if (number >= 0 && number < this.#kinds.length && this.#kinds[number] === isOther) {
      this.others += 1;
      this.text = number;
      return;
    }
    const text = cellText(record, cell);
    if (isGap(text)) {
      this.gaps += 1;
      const seen = this.#gapWords.get(text) ?? 0;
      if (seen > 0 || this.#gapWords.size < mostGapWords) this.#gapWords.set(text, seen + 1);
      return;
    }
    if (looksLikeTime(text)) {
      this.times += 1;
      this.firstTime ??= this.#seen(record, cell);
      // 01.03.24 may be either.
      if (isTimeOfDay(text)) this.clocks += 1;
      this.#takeOrder(text, record, cell);
    } else {
      this.others += 1;
      if (isTimeOfDay(text)) this.clocks += 1;
      else if (number >= 0) this.#kinds[number] = isOther;
      this.firstOther ??= this.#seen(record, cell);
    }
    this.#count(record.bytes, record.starts[cell]!, record.ends[cell]!);
  }

  #takeOrder(text: string, record: TableRecord, cell: number): void {
    const short = shortDateOf(text);
    if (short) {
      this.shortYear ??= this.#seen(record, cell);
      if (this.#firstParts.size < mostParts) this.#firstParts.add(short.first);
      if (this.#lastParts.size < mostParts) this.#lastParts.add(short.last);
    }
    const order = orderOf(text);
    if (order === 'day first') this.dayFirst ??= this.#seen(record, cell);
    else if (order === 'month first') this.monthFirst ??= this.#seen(record, cell);
    else if (order === 'either') this.eitherOrder = true;
  }

  #count(bytes: Buffer, from: number, to: number): void {
    if (!this.full && this.distinct.add(bytes, from, to) < 0) this.full = true;
  }

  #seen(record: TableRecord, cell: number): Seen {
    return { cell: cellText(record, cell), place: placeOf(record), row: this.rows };
  }

  get gapWords(): string[] {
    return [...this.#gapWords.keys()];
  }

  /** Words that are gaps among numbers and may be labels among words, such as `none`; with how often each stands there. */
  get wordsForLabels(): [word: string, count: number][] {
    return this.kind === 'text' ? [...this.#gapWords].filter(([word]) => !isUnlabelled(word)) : [];
  }

  /** Cells that were taken. */
  get rows(): number {
    return this.gaps + this.numbers + this.times + this.others;
  }

  /** Cells that hold something. */
  get filled(): number {
    return this.rows - this.gaps;
  }

  /** In which order day and month stand, where it matters; undefined where no cell proves it. The first that does counts. */
  get dateOrder(): DateOrder | undefined {
    const { dayFirst, monthFirst } = this;
    if (dayFirst && (monthFirst === undefined || dayFirst.row < monthFirst.row)) return 'day first';
    return monthFirst ? 'month first' : undefined;
  }

  /** Whether dates whose year has two digits may as well have it first: where what stands first changes less than what stands last. */
  get isYearUnclear(): boolean {
    const [first, last] = [this.#firstParts.size, this.#lastParts.size];
    const byDashes = this.shortYear?.cell.includes('-') === true;
    return this.shortYear !== undefined && (byDashes ? first <= last : first < last);
  }

  /** How the cells are written, if all that were seen are times of day. */
  get clockForm(): ClockForm | undefined {
    if (this.rows === 0 || this.gaps > 0) return undefined;
    if (this.clocks === this.rows) return '18:05';
    return this.wholes === this.rows && this.least >= 0 && this.most < 240_000
      ? clockFormOf(this.distinct.texts)
      : undefined;
  }

  /** How often whole numbers that else go up by one begin again at their least; 0 where they do anything else. */
  get restarts(): number {
    const { wholes, filled, falls, ups, least, restartsAt } = this;
    const isCounter = wholes > 2 && wholes === filled && falls > 0 && falls * 3 <= wholes && ups + falls === wholes - 1;
    return isCounter && restartsAt === least * falls ? falls : 0;
  }

  /** The unit that most of the numbers have; the empty one where most have none. */
  get unit(): string {
    return this.#mostHave()[0];
  }

  #mostHave(): [unit: string, count: number] {
    let most: [unit: string, count: number] = ['', this.numbers - sumOf(this.units)];
    for (const [name, { count }] of this.units) if (count > most[1]) most = [name, count];
    return most;
  }

  /** What most cells are. */
  get kind(): ColumnKind {
    if (this.filled === 0) return 'empty';
    const [, inUnit] = this.#mostHave();
    if (inUnit * 2 >= this.filled) return 'numeric';
    if (this.times * 2 > this.filled) return 'time';
    const boolean =
      this.distinct.size <= 2 && this.distinct.texts.every((text) => booleanWords.has(text.toLowerCase()));
    return boolean ? 'boolean' : 'text';
  }

  /** Different cells, in words. */
  get distinctText(): string {
    return this.full ? `more than ${this.distinct.size}` : String(this.distinct.size);
  }

  /** Whether every number of a range of whole numbers occurs exactly once. */
  get isPermutation(): boolean {
    if (this.most - this.least + 1 !== this.wholes) return false;
    let sum = 0;
    for (let value = this.least; value <= this.most; value++) sum = (sum + hashOf(value)) | 0;
    return sum === this.hash;
  }
}

const sumOf = (units: ColumnSurvey['units']): number => [...units.values()].reduce((sum, { count }) => sum + count, 0);

/** Spreads the bits of a whole number (MurmurHash3's finaliser over both halves). */
function hashOf(value: number): number {
  let bits = (value | 0) ^ Math.imul(Math.floor(value / 2 ** 32) | 0, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
