import { columnsOf, emptyRows, type ObjectRows, type ValueColumn } from '../core/partitions/rows.ts';
import { PointRow } from '../core/store/point-row.ts';
import type { StoredPoint } from '../core/store/port.ts';
import { sampleOffsetNs } from '../core/wire/samples.ts';
import type { ArchivedSamples } from '../core/wire/samples-point.ts';

/** Cells of one object: what it takes in memory, eight bytes each, before it is written. */
const mostCells = 8_000_000;
const firstRows = 1_024;

/** Gathers the rows of one device and day, column by column, in room that grows up to the bound of one object. */
export class RowBuffer {
  readonly #fields: readonly string[];
  readonly #columns: readonly ValueColumn[];
  readonly #point: PointRow;
  readonly #mostRows: number;
  #rows: ReturnType<typeof emptyRows>;
  #truths = new Map<string, number>();
  #count = 0;
  #room = firstRows;

  constructor(fields: readonly string[], mostObjectCells = mostCells) {
    this.#fields = fields;
    this.#columns = columnsOf(fields);
    this.#point = new PointRow(fields);
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
    const found = this.#point;
    found.read(point);
    if (found.isRow) this.#addRow(point.time);
    if (found.samples) this.#addSamples(found.samples);
  }

  #addRow(time: bigint): void {
    this.#reserve(1);
    const { times, values, truth, ends } = this.#rows;
    const { values: own, truth: known, isEnd } = this.#point;
    const row = this.#count++;
    times[row] = time;
    for (const [column, into] of values.entries()) into[row] = own[column] ?? Number.NaN;
    truth[row] = this.#truthOf(known);
    if (isEnd) ends[row] = 1;
  }

  #addSamples({ count, first, rate, recordTime, values: columns }: ArchivedSamples): void {
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
    truth.fill(this.#truthOf(this.#point.truth), from, from + count);
    if (this.#point.isEnd) ends[from + count - 1] = 1;
    this.#count += count;
  }

  #truthOf(truth: string | undefined): number {
    if (truth === undefined) return -1;
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
