import { shorten } from '../wire/problem.ts';
import { type ClockForm, joinTimes } from './clock-cell.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { cellText, type TableRecord } from './records.ts';
import { refuseCell } from './refuse-cell.ts';
import type { Roles } from './roles.ts';
import {
  type DateOrder,
  dashed,
  explainTimeCell,
  hasOffset,
  isNumericTime,
  orderOf,
  readNumericTime,
  readTextTime,
  shortDateOf,
  type TimeUnit,
  timeUnitNames,
  unitBySize,
} from './time-cell.ts';

/** Times of a column, or of a date and a time of day in two. */
export class TimeReader {
  readonly times: BigInt64Array;
  readonly notes: readonly string[];
  readonly #name: string;
  readonly #index: number;
  /** Where the time of day stands, if that is another column; else -1. */
  readonly #clock: number;
  readonly #demanded: boolean;
  readonly #unit: TimeUnit;
  readonly #first: string;
  readonly #order: DateOrder | undefined;
  readonly #clockForm: ClockForm;
  readonly #isUnclear: boolean;

  constructor(columns: readonly ColumnSurvey[], roles: Roles, count: number, unit: TimeUnit | undefined) {
    const column = columns[roles.time]!;
    const { firstNumber, firstTime, name, dateOrder } = column;
    this.times = new BigInt64Array(count);
    this.#name = name;
    this.#index = roles.time;
    this.#clock = roles.clock;
    this.#order = dateOrder;
    this.#clockForm = columns[roles.clock]?.clockForm ?? '18:05';
    this.#isUnclear = column.isYearUnclear;
    const proof = dateOrder === 'day first' ? column.dayFirst : column.monthFirst;
    const order = proof && `dates have the ${dateOrder} ("${shorten(proof.cell, 40)}", ${proof.place})`;
    this.#demanded = unit !== undefined;
    this.#first = firstNumber ? `"${shorten(firstNumber.cell, 40)}", ${firstNumber.place}` : '';
    this.#unit = unit ?? unitBySize(Number(firstNumber?.cell.replace(',', '.') ?? 0));
    const numeric =
      firstNumber &&
      `times are ${timeUnitNames[this.#unit]}${unit === undefined ? ` by their size (${this.#first}); data.timeUnit overrides it` : ', as demanded'}`;
    const local =
      firstTime &&
      !hasOffset(firstTime.cell) &&
      `times without an offset are taken as UTC ("${shorten(firstTime.cell, 40)}", ${firstTime.place})`;
    const { shortYear } = column;
    const short =
      shortYear && `years of two digits are of 1969 to 2068 ("${shorten(shortYear.cell, 40)}", ${shortYear.place})`;
    this.notes = [numeric, order, short, local].filter((note) => typeof note === 'string');
  }

  read(record: TableRecord, row: number): void {
    const cell = cellText(record, this.#index);
    const numeric = isNumericTime(cell);
    if (numeric && !this.#demanded) this.#checkUnit(record, cell);
    const inDigits = this.#unit === 'date' && this.#clock >= 0;
    const time =
      numeric && !inDigits ? readNumericTime(cell, this.#unit) : this.#text(record, numeric ? dashed(cell) : cell);
    if (time === undefined) refuseCell(record, this.#name, cell, `is no time: ${this.#explain(record, cell)}`);
    this.times[row] = time;
  }

  #explain(record: TableRecord, cell: string): string {
    if (this.#isUnclear && shortDateOf(cell))
      return 'which is the year cannot be told; write it first, in four digits: 2026-01-31';
    const why = explainTimeCell(cell, this.#order);
    return this.#clock < 0 ? why : `${why} (with the time of day "${shorten(cellText(record, this.#clock), 40)}")`;
  }

  #text(record: TableRecord, cell: string): bigint | undefined {
    if (this.#isUnclear && shortDateOf(cell)) return undefined;
    if (this.#order === undefined && orderOf(cell) !== undefined) return undefined;
    const joined = this.#clock < 0 ? cell : joinTimes(cell, cellText(record, this.#clock), this.#clockForm);
    return readTextTime(joined, this.#order);
  }

  #checkUnit(record: TableRecord, cell: string): void {
    const unit = unitBySize(Number(cell.replace(',', '.')));
    if (unit !== this.#unit)
      refuseCell(
        record,
        this.#name,
        cell,
        `is ${timeUnitNames[unit]} by its size, but the first is ${timeUnitNames[this.#unit]} (${this.#first}); say data.timeUnit`,
      );
  }
}
