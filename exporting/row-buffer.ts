import { columnsOf, emptyRows, type ObjectRows, type ValueColumn } from '../core/partitions/rows.ts';
import { fieldsOf, type StoredPoint } from '../core/store/stored-point.ts';
import { endField, type Point, valuePrefix } from '../core/wire/point.ts';
import { sampleOffsetNs } from '../core/wire/samples.ts';
import { type ArchivedSamples, samplesOfPoint } from '../core/wire/samples-point.ts';

/** Cells of one object: what it takes in memory, eight bytes each, before it is written. */
const mostCells = 8_000_000;
const firstRows = 1_024;

/** Gathers the rows of one device and day, column by column, in room that grows up to the bound of one object. */
export class RowBuffer {
  readonly #fields: readonly string[];
  readonly #columns: readonly ValueColumn[];
  readonly #columnOf: ReadonlyMap<string, number>;
  readonly #mostRows: number;
  #rows: ReturnType<typeof emptyRows>;
  #truths = new Map<string, number>();
  #count = 0;
  #room = firstRows;
  /** What the point that is added holds beside its values. */
  readonly #found = {
    hasValue: false,
    hasSamples: false,
    isEnd: false,
    truth: undefined as number | string | boolean | undefined,
  };

  constructor(fields: readonly string[], mostObjectCells = mostCells) {
    this.#fields = fields;
    this.#columns = columnsOf(fields);
    this.#columnOf = new Map(fields.map((field, column) => [valuePrefix + field, column]));
    this.#mostRows = Math.max(1, Math.floor(mostObjectCells / (fields.length + 3)));
    this.#rows = emptyRows('', this.#columns, this.#room);
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the next point begins another object. */
  get full(): boolean {
    return this.#count >= this.#mostRows;
  }

  /** Adds a point: a row, or where it holds samples a row for each, or both. */
  add(point: StoredPoint): void {
    this.#reserve(1);
    const found = this.#found;
    [found.hasValue, found.hasSamples, found.isEnd, found.truth] = [false, false, false, undefined];
    point.each(this.#take);
    // Samples stand in texts, which are looked at by their names.
    const whole = found.hasSamples
      ? { ...point, measurement: '', time: `${point.time}`, fields: fieldsOf(point) }
      : undefined;
    const samples = whole && samplesOfPoint(whole, this.#fields);
    if (samples === undefined || found.hasValue) this.#addRow(point.time);
    if (whole && samples) this.#addSamples(whole, samples);
  }

  /** Takes a field of the next row. */
  readonly #take = (name: string, value: number | string | boolean): void => {
    const column = this.#columnOf.get(name);
    const found = this.#found;
    if (column !== undefined) {
      found.hasValue = true;
      const into = this.#rows.values[column];
      if (into && typeof value === 'number') into[this.#count] = value;
    } else if (name === 'rate') found.hasSamples = true;
    else if (name === 'truth') found.truth = value;
    else if (name === endField) found.isEnd = true;
  };

  #addRow(time: bigint): void {
    const { times, truth, ends } = this.#rows;
    const row = this.#count++;
    times[row] = time;
    truth[row] = this.#truthOf(this.#found.truth);
    if (this.#found.isEnd) ends[row] = 1;
  }

  #addSamples({ fields }: Point, { count, first, rate, recordTime, values: columns }: ArchivedSamples): void {
    this.#reserve(count);
    const { times, values, truth, ends } = this.#rows;
    const from = this.#count;
    const record = BigInt(recordTime);
    for (let index = 0; index < count; index += 1)
      times[from + index] = record + BigInt(sampleOffsetNs(first + index, rate));
    for (const [column, field] of this.#fields.entries()) {
      const samples = columns.get(field);
      if (samples) values[column]?.set(samples, from);
    }
    truth.fill(this.#truthOf(fields.truth), from, from + count);
    if (endField in fields) ends[from + count - 1] = 1;
    this.#count += count;
  }

  #truthOf(truth: unknown): number {
    if (typeof truth !== 'string' || truth === '') return -1;
    let index = this.#truths.get(truth);
    if (index === undefined) {
      index = this.#truths.size;
      this.#truths.set(truth, index);
    }
    return index;
  }

  #reserve(rows: number): void {
    if (this.#count + rows <= this.#room) return;
    this.#room = Math.max(this.#count + rows, Math.min(this.#room * 4, this.#mostRows));
    this.#rows = this.#copied(this.#count, this.#room);
  }

  /** The first rows, in room for as many as are wanted. */
  #copied(count: number, room: number): ReturnType<typeof emptyRows> {
    const { times, values, truth, ends } = this.#rows;
    const copy = emptyRows('', this.#columns, room);
    copy.times.set(times.subarray(0, count));
    for (const [column, from] of values.entries()) copy.values[column]?.set(from.subarray(0, count));
    copy.truth.set(truth.subarray(0, count));
    copy.ends.set(ends.subarray(0, count));
    return copy;
  }

  /** The rows so far, which are the caller's from now on; the buffer is empty then. */
  take(device: string): ObjectRows {
    const rows = { ...this.#copied(this.#count, this.#count), device, truths: [...this.#truths.keys()] };
    // The room stays; what stands in it must read as gaps.
    for (const column of this.#rows.values) column.fill(Number.NaN, 0, this.#count);
    this.#rows.ends.fill(0, 0, this.#count);
    this.#truths = new Map();
    this.#count = 0;
    return rows;
  }
}
