import type { DecimalScanner } from '../core/numeric/scan-decimals.ts';
import { columnsOf, emptyRows, type ObjectRows, type ValueColumn } from '../core/partitions/rows.ts';
import type { PointRow } from '../core/store/point-row.ts';
import type { SamplePoint } from './sample-batch.ts';
import { sampleTimes } from './sample-times.ts';

const firstRows = 1_024;

/** What rows are sent with to another thread: their memory, which is that thread's then, unless both share it. */
export const buffersOf = ({ times, values, truth, ends }: ObjectRows): ArrayBuffer[] =>
  transferable(times, ...values, truth, ends);

/** Memory of arrays that another thread has for its own when it is sent; none that threads share. */
export const transferable = (...arrays: readonly ArrayBufferView[]): ArrayBuffer[] =>
  arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);

/**
 * Gathers the rows of one device and day, column by column, in room that grows up to the bound of one object. Threads may share it: to
 * send memory of this size from one to the other would make each of them look for garbage in all that it has.
 */
export class RowBuffer {
  readonly #columns: readonly ValueColumn[];
  readonly #mostRows: number;
  #rows: ReturnType<typeof emptyRows>;
  #truths = new Map<string, number>();
  #count = 0;
  readonly #isShared: boolean;
  #room: number;

  /**
   * @param mostRows - how many rows there are as a rule at the most
   * @param shared - for how many rows there is room at first, where other threads are to read them in place
   */
  constructor(fields: readonly string[], mostRows: number, shared?: { readonly room?: number }) {
    this.#columns = columnsOf(fields);
    this.#mostRows = mostRows;
    this.#room = shared?.room ?? firstRows;
    this.#isShared = shared !== undefined;
    this.#rows = emptyRows('', this.#columns, this.#room, this.#isShared);
  }

  /** For how many rows there is room. */
  get room(): number {
    return this.#room;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds what a point holds as a row of its own. */
  addRow(time: bigint, { values: own, truth: known, isEnd }: PointRow): void {
    this.#reserve(1);
    const { times, values, truth, ends } = this.#rows;
    const row = this.#count++;
    times[row] = time;
    for (const [column, into] of values.entries()) into[row] = own[column] ?? Number.NaN;
    truth[row] = this.#truthOf(known);
    ends[row] = isEnd ? 1 : 0;
  }

  /** Adds a row for each of the samples of a point. */
  addSamples(point: SamplePoint, bytes: Uint8Array, scanner: DecimalScanner): void {
    const { count, truth: known, isEnd, texts } = point;
    this.#reserve(count);
    const { times, values, truth, ends } = this.#rows;
    const from = this.#count;
    const to = from + count;
    sampleTimes(point, times.subarray(from, to));
    for (const [column, into] of values.entries()) {
      const text = texts[column];
      const read = text ? scanner.read(bytes.subarray(text.from, text.to), into, from, count) : 0;
      into.fill(Number.NaN, from + read, to);
    }
    truth.fill(this.#truthOf(known), from, to);
    ends.fill(0, from, to);
    if (isEnd && count > 0) ends[to - 1] = 1;
    this.#count = to;
  }

  /** Adds rows that were gathered elsewhere. */
  addAll(rows: ObjectRows): void {
    this.#reserve(rows.count);
    const { times, values, truth, ends } = this.#rows;
    const from = this.#count;
    times.set(rows.times, from);
    for (const [column, into] of values.entries()) {
      const own = rows.values[column];
      if (own) into.set(own, from);
    }
    const places = rows.truths.map((text) => this.#truthOf(text));
    for (const [row, index] of rows.truth.entries()) truth[from + row] = places[index] ?? -1;
    ends.set(rows.ends, from);
    this.#count += rows.count;
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
    const { times, values, truth, ends } = this.rows('');
    const wider = emptyRows('', this.#columns, this.#room, this.#isShared);
    wider.times.set(times);
    for (const [column, from] of values.entries()) wider.values[column]?.set(from);
    wider.truth.set(truth);
    wider.ends.set(ends);
    this.#rows = wider;
  }

  /** The rows so far, as they stand here: valid until the next change. */
  rows(device: string): ObjectRows {
    const { times, values, truth, ends } = this.#rows;
    const count = this.#count;
    return {
      ...{ device, columns: this.#columns, count, truths: [...this.#truths.keys()] },
      times: times.subarray(0, count),
      values: values.map((column) => column.subarray(0, count)),
      truth: truth.subarray(0, count),
      ends: ends.subarray(0, count),
    };
  }

  /** The same, in arrays of their own. */
  copy(): ObjectRows {
    const { times, values, truth, ends, ...rest } = this.rows('');
    return {
      ...rest,
      times: times.slice(),
      values: values.map((column) => column.slice()),
      truth: truth.slice(),
      ends: ends.slice(),
    };
  }

  clear(): void {
    this.#truths = new Map();
    this.#count = 0;
  }
}
