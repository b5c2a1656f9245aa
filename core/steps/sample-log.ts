import { grown } from './output.ts';
import { noTruth, type StepRows } from './port.ts';
import type { StateReader, StateWriter } from './state.ts';

/** A log moves to arrays that are so many times as long as what it holds, so that it moves rarely. */
const growth = 4;
/** It stays in arrays of its own while what it holds fits so many times. */
const reuse = 2;
const noNumbers = new Float64Array(0);
const noIntegers = new Int32Array(0);
/** Below this a view of an array costs more than it saves. */
const fewRows = 16;

/**
 * Samples of one device, by time, each time once. A fork shares its arrays with the log that it was made from as long as it only appends
 * behind the end and drops from the start, which the other does not see; anything else takes a copy first.
 */
export class SampleLog {
  seconds: Float64Array;
  nanoseconds: Int32Array;
  truths: Int32Array;
  unsent: Int32Array;
  columns: Float64Array[];
  /** The samples are at `start` up to `end`. */
  start = 0;
  end = 0;
  #shared = false;
  /** Where the log that this one was forked from begins: behind it stands what that log still needs, before it all is free. */
  #freeBefore = 0;
  /** How far this log may append in place. */
  #limit = 0;

  constructor(width: number) {
    this.seconds = noNumbers;
    this.nanoseconds = noIntegers;
    this.truths = noIntegers;
    this.unsent = noIntegers;
    this.columns = new Array<Float64Array>(width).fill(noNumbers);
  }

  get length(): number {
    return this.end - this.start;
  }

  fork(): SampleLog {
    const log = new SampleLog(0);
    log.seconds = this.seconds;
    log.nanoseconds = this.nanoseconds;
    log.truths = this.truths;
    log.unsent = this.unsent;
    log.columns = this.columns.slice();
    // Where this log is empty, all of its arrays are free again.
    log.start = this.length === 0 ? 0 : this.start;
    log.end = this.length === 0 ? 0 : this.end;
    log.#shared = true;
    log.#freeBefore = log.start;
    log.#limit = log.seconds.length;
    return log;
  }

  /** Adds rows `from` up to `to`, which are later than all others and in order. */
  append(rows: StepRows, from: number, to: number): void {
    this.#reserve(to - from);
    const at = this.end;
    if (to - from < fewRows) {
      for (let row = from; row < to; row++) this.#write(at + row - from, rows, row);
    } else {
      this.seconds.set(rows.seconds.subarray(from, to), at);
      this.nanoseconds.set(rows.nanoseconds.subarray(from, to), at);
      this.truths.set(rows.truths.subarray(from, to), at);
      this.unsent.set(rows.unsent.subarray(from, to), at);
      for (let column = 0; column < this.columns.length; column++)
        this.columns[column]!.set(rows.columns[column]!.subarray(from, to), at);
    }
    this.end += to - from;
  }

  /** Puts a row in its place; it replaces the sample of the same time. @returns whether there was one */
  put(rows: StepRows, row: number): boolean {
    const at = this.indexOf(rows.seconds[row]!, rows.nanoseconds[row]!);
    const there =
      at < this.end && this.seconds[at] === rows.seconds[row] && this.nanoseconds[at] === rows.nanoseconds[row];
    if (at === this.end) {
      this.append(rows, row, row + 1);
      return false;
    }
    const offset = at - this.start;
    if (this.#shared) this.#move(Math.max(16, this.length * 2));
    if (!there) {
      this.#reserve(1);
      const place = this.start + offset;
      for (const array of this.#arrays()) array.copyWithin(place + 1, place, this.end);
      this.end++;
    }
    this.#write(this.start + offset, rows, row);
    return there;
  }

  /**
   * Adds what a row has measured to the sample of its time, which must be there.
   * @returns whether it replaced a value
   */
  merge(rows: StepRows, row: number): boolean {
    const offset = this.indexOf(rows.seconds[row]!, rows.nanoseconds[row]!) - this.start;
    if (this.#shared) this.#move(Math.max(16, this.length * 2));
    const at = this.start + offset;
    let replaced = false;
    for (let column = 0; column < this.columns.length; column++) {
      const value = rows.columns[column]![row]!;
      if (Number.isNaN(value)) continue;
      replaced ||= !Number.isNaN(this.columns[column]![at]!);
      this.columns[column]![at] = value;
    }
    if (rows.truths[row] !== noTruth) this.truths[at] = rows.truths[row]!;
    return replaced;
  }

  /** The first sample that is not before the time; `end` where there is none. */
  indexOf(seconds: number, nanoseconds: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.seconds[middle]!;
      if (at < seconds || (at === seconds && this.nanoseconds[middle]! < nanoseconds)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  write(writer: StateWriter): void {
    writer.number(this.length);
    writer.numbers(this.seconds, this.start, this.end);
    writer.integers(this.nanoseconds, this.start, this.end);
    writer.integers(this.truths, this.start, this.end);
    writer.integers(this.unsent, this.start, this.end);
    for (const column of this.columns) writer.numbers(column, this.start, this.end);
  }

  static read(reader: StateReader, width: number): SampleLog {
    const log = new SampleLog(0);
    log.end = reader.count(reader.left);
    log.#limit = log.end;
    log.seconds = reader.numbers(log.end);
    log.nanoseconds = reader.integers(log.end);
    log.truths = reader.integers(log.end);
    log.unsent = reader.integers(log.end);
    log.columns = Array.from({ length: width }, () => reader.numbers(log.end));
    return log;
  }

  #write(at: number, rows: StepRows, row: number): void {
    this.seconds[at] = rows.seconds[row]!;
    this.nanoseconds[at] = rows.nanoseconds[row]!;
    this.truths[at] = rows.truths[row]!;
    this.unsent[at] = rows.unsent[row]!;
    for (let column = 0; column < this.columns.length; column++)
      this.columns[column]![at] = rows.columns[column]![row]!;
  }

  #reserve(more: number): void {
    if (this.end + more <= this.#limit) return;
    const needed = this.length + more;
    // Arrays of its own are used again while what moves within them is little beside what then fits behind.
    if (!this.#shared && needed * reuse <= this.seconds.length) this.#wrap(this.seconds.length);
    else if (needed > this.#freeBefore) this.#move(Math.max(16, needed * growth));
    else this.#wrap(this.#freeBefore);
  }

  /** Continues at the start of the same arrays, where nothing is that anyone needs. */
  #wrap(limit: number): void {
    const length = this.length;
    for (const array of this.#arrays()) array.copyWithin(0, this.start, this.end);
    this.start = 0;
    this.end = length;
    this.#limit = limit;
    this.#freeBefore = 0;
  }

  /** Takes arrays of its own, with the samples at their start. */
  #move(capacity: number): void {
    const { start, end } = this;
    this.seconds = grown(this.seconds.subarray(start, end), capacity, end - start);
    this.nanoseconds = grown(this.nanoseconds.subarray(start, end), capacity, end - start);
    this.truths = grown(this.truths.subarray(start, end), capacity, end - start);
    this.unsent = grown(this.unsent.subarray(start, end), capacity, end - start);
    this.columns = this.columns.map((column) => grown(column.subarray(start, end), capacity, end - start));
    this.start = 0;
    this.end = end - start;
    this.#shared = false;
    this.#freeBefore = 0;
    this.#limit = capacity;
  }

  #arrays(): readonly (Float64Array | Int32Array)[] {
    return [this.seconds, this.nanoseconds, this.truths, this.unsent, ...this.columns];
  }
}
