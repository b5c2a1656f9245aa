import type { StateReader, StateWriter } from '../state.ts';
import { compare, since } from '../time.ts';
import type { Take } from './take.ts';

/** The measured values of one channel of one device. */
export interface PastState {
  /** Moves to a time, and takes the value there in, if it is measured. A time before the newest one only where {@link reaches} says so. */
  add(seconds: number, nanoseconds: number, value: number): void;
  /** The values up to a time, that moment included: valid until the next `add`. */
  upTo(seconds: number, nanoseconds: number): Past;
  /** Whether the values up to a time that is before the newest one are still told apart from those after it. */
  reaches(seconds: number, nanoseconds: number): boolean;
  fork(): PastState;
  write(writer: StateWriter): void;
  read(reader: StateReader): void;
}

/** All of the past, in constant memory: mean and variance by Welford's recurrence (Technometrics 4, 1962). */
export class Past implements PastState {
  /** Values that are measured; a gap is none. */
  count = 0;
  #mean = 0;
  #squares = 0;
  #last = Number.NaN;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  upTo(): Past {
    return this;
  }

  reaches(): boolean {
    return false;
  }

  /** @param isNewest - whether it is the last one that there is */
  add(_seconds: number, _nanoseconds: number, value: number, isNewest = true): void {
    if (Number.isNaN(value)) return;
    this.count += 1;
    const away = value - this.#mean;
    this.#mean += away / this.count;
    this.#squares += away * (value - this.#mean);
    if (isNewest) this.#last = value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  /** NaN where there are too few values for it. */
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

/** Values and when they were measured, by time. */
class Timed {
  readonly seconds: number[];
  readonly nanoseconds: number[];
  readonly values: number[];

  constructor(seconds: number[] = [], nanoseconds: number[] = [], values: number[] = []) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    this.values = values;
  }

  get count(): number {
    return this.values.length;
  }

  /** Behind all that are not later. @returns whether none is later */
  insert(seconds: number, nanoseconds: number, value: number): boolean {
    let at = this.count;
    while (at > 0 && this.isAfter(at - 1, seconds, nanoseconds)) at -= 1;
    this.seconds.splice(at, 0, seconds);
    this.nanoseconds.splice(at, 0, nanoseconds);
    this.values.splice(at, 0, value);
    return at === this.count - 1;
  }

  isAfter(at: number, seconds: number, nanoseconds: number): boolean {
    return compare(this.seconds[at] ?? 0, this.nanoseconds[at] ?? 0, seconds, nanoseconds) > 0;
  }

  /** Nanoseconds from one of them to a time. */
  sinceOf(at: number, seconds: number, nanoseconds: number): number {
    return since(seconds, nanoseconds, this.seconds[at] ?? 0, this.nanoseconds[at] ?? 0);
  }

  drop(count: number): void {
    if (count === 0) return;
    for (const list of [this.seconds, this.nanoseconds, this.values]) list.splice(0, count);
  }

  fork(): Timed {
    return new Timed(this.seconds.slice(), this.nanoseconds.slice(), this.values.slice());
  }

  write(writer: StateWriter): void {
    writer.number(this.count);
    for (const list of [this.seconds, this.nanoseconds, this.values]) for (const value of list) writer.number(value);
  }

  static read(reader: StateReader, most: number): Timed {
    const count = reader.count(most);
    const list = () => Array.from({ length: count }, () => reader.number());
    return new Timed(list(), list(), list());
  }
}

/** The values since a span ago, that moment left out. Computed anew each time, so that no error of rounding grows. */
export class SpanPast implements PastState {
  readonly #overNs: number;
  readonly #latenessNs: number;
  readonly #most: number;
  #timed = new Timed();

  /** @param latenessNs - how much longer values are kept, for rows that come so late */
  constructor(overNs: number, most: number, latenessNs = 0) {
    this.#overNs = overNs;
    this.#latenessNs = latenessNs;
    this.#most = most;
  }

  add(seconds: number, nanoseconds: number, value: number): void {
    const timed = this.#timed;
    let gone = 0;
    while (gone < timed.count && timed.sinceOf(gone, seconds, nanoseconds) >= this.#overNs + this.#latenessNs)
      gone += 1;
    if (!Number.isNaN(value)) {
      timed.insert(seconds, nanoseconds, value);
      gone = Math.max(gone, timed.count - this.#most);
    }
    timed.drop(gone);
  }

  upTo(seconds: number, nanoseconds: number): Past {
    const past = new Past();
    const timed = this.#timed;
    for (let at = 0; at < timed.count && !timed.isAfter(at, seconds, nanoseconds); at++)
      if (timed.sinceOf(at, seconds, nanoseconds) < this.#overNs) past.add(0, 0, timed.values[at] ?? Number.NaN);
    return past;
  }

  reaches(): boolean {
    return true;
  }

  fork(): SpanPast {
    const copy = new SpanPast(this.#overNs, this.#most, this.#latenessNs);
    copy.#timed = this.#timed.fork();
    return copy;
  }

  write(writer: StateWriter): void {
    this.#timed.write(writer);
  }

  read(reader: StateReader): void {
    this.#timed = Timed.read(reader, this.#most);
  }
}

/** All of the past, and of the last stretch of it each value, so that a row that comes late gets what was up to its own time. */
export class LatePast implements PastState {
  readonly #latenessNs: number;
  readonly #most: number;
  #all = new Past();
  /** What is older than any row that may still come. */
  #old = new Past();
  #oldSeconds = Number.NEGATIVE_INFINITY;
  #oldNanoseconds = 0;
  #recent = new Timed();

  constructor(latenessNs: number, most: number) {
    this.#latenessNs = latenessNs;
    this.#most = most;
  }

  add(seconds: number, nanoseconds: number, value: number): void {
    const recent = this.#recent;
    if (!Number.isNaN(value)) {
      const isNewest = recent.insert(seconds, nanoseconds, value);
      this.#all.add(seconds, nanoseconds, value, isNewest);
    }
    let gone = 0;
    while (gone < recent.count && this.#isOld(gone, seconds, nanoseconds)) {
      this.#old.add(0, 0, recent.values[gone] ?? Number.NaN);
      [this.#oldSeconds, this.#oldNanoseconds] = [recent.seconds[gone] ?? 0, recent.nanoseconds[gone] ?? 0];
      gone += 1;
    }
    recent.drop(gone);
  }

  #isOld(at: number, seconds: number, nanoseconds: number): boolean {
    const isTooMany = this.#recent.count - at > this.#most;
    return isTooMany || this.#recent.sinceOf(at, seconds, nanoseconds) > this.#latenessNs;
  }

  upTo(seconds: number, nanoseconds: number): Past {
    const recent = this.#recent;
    if (recent.count === 0 || !recent.isAfter(recent.count - 1, seconds, nanoseconds)) return this.#all;
    const past = this.#old.fork();
    for (let at = 0; at < recent.count && !recent.isAfter(at, seconds, nanoseconds); at++)
      past.add(0, 0, recent.values[at] ?? Number.NaN);
    return past;
  }

  reaches(seconds: number, nanoseconds: number): boolean {
    return compare(seconds, nanoseconds, this.#oldSeconds, this.#oldNanoseconds) >= 0;
  }

  fork(): LatePast {
    const copy = new LatePast(this.#latenessNs, this.#most);
    copy.#all = this.#all.fork();
    copy.#old = this.#old.fork();
    [copy.#oldSeconds, copy.#oldNanoseconds] = [this.#oldSeconds, this.#oldNanoseconds];
    copy.#recent = this.#recent.fork();
    return copy;
  }

  write(writer: StateWriter): void {
    this.#all.write(writer);
    this.#old.write(writer);
    writer.number(this.#oldSeconds);
    writer.number(this.#oldNanoseconds);
    this.#recent.write(writer);
  }

  read(reader: StateReader): void {
    this.#all.read(reader);
    this.#old.read(reader);
    this.#oldSeconds = reader.number();
    this.#oldNanoseconds = reader.number();
    this.#recent = Timed.read(reader, this.#most);
  }
}
