import type { StateReader, StateWriter } from '../state.ts';
import { since } from '../time.ts';
import type { Take } from './take.ts';

/** The measured values of one channel of one device up to now. */
export interface PastState {
  /** Values that are measured; a gap is none. */
  readonly count: number;
  /** Moves to a time, and takes the value there in, if it is measured. */
  add(seconds: number, nanoseconds: number, value: number): void;
  /** NaN where there are too few values for it. */
  take(what: Take): number;
  fork(): PastState;
  write(writer: StateWriter): void;
  read(reader: StateReader): void;
}

/** All of the past, in constant memory: mean and variance by Welford's recurrence (Technometrics 4, 1962). */
export class Past implements PastState {
  count = 0;
  #mean = 0;
  #squares = 0;
  #last = Number.NaN;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(_seconds: number, _nanoseconds: number, value: number): void {
    if (Number.isNaN(value)) return;
    this.count += 1;
    const away = value - this.#mean;
    this.#mean += away / this.count;
    this.#squares += away * (value - this.#mean);
    this.#last = value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  take(what: Take): number {
    if (what === 'count') return this.count;
    if (this.count === 0) return Number.NaN;
    switch (what) {
      case 'last':
        return this.#last;
      case 'mean':
        return this.#mean;
      case 'min':
        return this.#min;
      case 'max':
        return this.#max;
      case 'std':
        return this.count < 2 ? Number.NaN : Math.sqrt(this.#squares / (this.count - 1));
    }
  }

  fork(): Past {
    const copy = new Past();
    copy.count = this.count;
    copy.#mean = this.#mean;
    copy.#squares = this.#squares;
    copy.#last = this.#last;
    copy.#min = this.#min;
    copy.#max = this.#max;
    return copy;
  }

  write(writer: StateWriter): void {
    for (const value of [this.count, this.#mean, this.#squares, this.#last, this.#min, this.#max]) writer.number(value);
  }

  read(reader: StateReader): void {
    this.count = reader.count(Number.MAX_SAFE_INTEGER);
    this.#mean = reader.number();
    this.#squares = reader.number();
    this.#last = reader.number();
    this.#min = reader.number();
    this.#max = reader.number();
  }
}

/** The values since a span ago, that moment left out. Computed anew each time, so that no error of rounding grows. */
export class SpanPast implements PastState {
  readonly #overNs: number;
  readonly #most: number;
  #seconds: number[] = [];
  #nanoseconds: number[] = [];
  #values: number[] = [];

  constructor(overNs: number, most: number) {
    this.#overNs = overNs;
    this.#most = most;
  }

  get count(): number {
    return this.#values.length;
  }

  add(seconds: number, nanoseconds: number, value: number): void {
    let gone = 0;
    while (
      gone < this.count &&
      since(seconds, nanoseconds, this.#seconds[gone] ?? 0, this.#nanoseconds[gone] ?? 0) >= this.#overNs
    )
      gone += 1;
    if (!Number.isNaN(value)) {
      this.#seconds.push(seconds);
      this.#nanoseconds.push(nanoseconds);
      this.#values.push(value);
      gone = Math.max(gone, this.count - this.#most);
    }
    if (gone === 0) return;
    for (const list of [this.#seconds, this.#nanoseconds, this.#values]) list.splice(0, gone);
  }

  take(what: Take): number {
    const past = new Past();
    for (const value of this.#values) past.add(0, 0, value);
    return past.take(what);
  }

  fork(): SpanPast {
    const copy = new SpanPast(this.#overNs, this.#most);
    copy.#seconds = this.#seconds.slice();
    copy.#nanoseconds = this.#nanoseconds.slice();
    copy.#values = this.#values.slice();
    return copy;
  }

  write(writer: StateWriter): void {
    writer.number(this.count);
    for (const list of [this.#seconds, this.#nanoseconds, this.#values]) for (const value of list) writer.number(value);
  }

  read(reader: StateReader): void {
    const count = reader.count(this.#most);
    const list = () => Array.from({ length: count }, () => reader.number());
    this.#seconds = list();
    this.#nanoseconds = list();
    this.#values = list();
  }
}
