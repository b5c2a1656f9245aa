import { grown } from '../output.ts';
import type { Windows } from '../port.ts';
import type { SampleLog } from '../sample-log.ts';
import { enlarged, spare } from '../spare.ts';

const noFloats = new Float64Array(0);
const noIntegers = new Int32Array(0);

/** Where more samples come than were expected. */
const growth = 1.5;

/** The samples of the windows of one batch, one window after the other. Filled again for each batch. */
export class Blocks {
  /** Samples for which there is room. */
  #room = 0;
  #samplesAt = 0;
  #windows = 0;
  #expected = 0;
  #starts = new Int32Array(1);
  #samples = new Int32Array(0);
  #missing = new Int32Array(0);
  #fromSeconds = new Float64Array(0);
  #fromNanoseconds = new Int32Array(0);
  #seconds = noFloats;
  #nanoseconds = noIntegers;
  readonly #columns: Float64Array[];

  constructor(width: number) {
    this.#columns = new Array<Float64Array>(width).fill(noFloats);
  }

  /** @param samples - that are to be expected in all */
  begin(samples = 0): void {
    this.#samplesAt = 0;
    this.#windows = 0;
    this.#expected = samples;
  }

  /** Copies samples `from` up to `to` of a log. */
  add(
    log: SampleLog,
    from: number,
    to: number,
    window: { seconds: number; nanoseconds: number; missing: number },
  ): void {
    this.#reserve(to - from);
    const at = this.#samplesAt;
    this.#seconds.set(log.seconds.subarray(from, to), at);
    this.#nanoseconds.set(log.nanoseconds.subarray(from, to), at);
    for (let column = 0; column < this.#columns.length; column++)
      this.#columns[column]!.set(log.columns[column]!.subarray(from, to), at);
    this.#fromSeconds[this.#windows] = window.seconds;
    this.#fromNanoseconds[this.#windows] = window.nanoseconds;
    this.#samples[this.#windows] = to - from;
    this.#missing[this.#windows] = window.missing;
    this.#samplesAt += to - from;
    this.#windows++;
    this.#starts[this.#windows] = this.#samplesAt;
  }

  windows(): Windows {
    return {
      starts: this.#starts,
      columns: [...this.#columns],
      seconds: this.#seconds,
      nanoseconds: this.#nanoseconds,
      fromSeconds: this.#fromSeconds,
      fromNanoseconds: this.#fromNanoseconds,
      samples: this.#samples,
      missing: this.#missing,
    };
  }

  /** Nobody looks at the samples of this batch any more. */
  release(): void {
    spare(this.#seconds);
    spare(this.#nanoseconds);
    for (const column of this.#columns) spare(column);
    this.#room = 0;
    this.#samplesAt = 0;
    this.#seconds = noFloats;
    this.#nanoseconds = noIntegers;
    this.#columns.fill(noFloats);
  }

  #reserve(samples: number): void {
    if (this.#windows === this.#samples.length) {
      const capacity = Math.max(16, this.#windows * 2);
      this.#starts = grown(this.#starts, capacity + 1, this.#windows + 1);
      this.#samples = grown(this.#samples, capacity, this.#windows);
      this.#missing = grown(this.#missing, capacity, this.#windows);
      this.#fromSeconds = grown(this.#fromSeconds, capacity, this.#windows);
      this.#fromNanoseconds = grown(this.#fromNanoseconds, capacity, this.#windows);
    }
    if (this.#samplesAt + samples <= this.#room) return;
    const capacity = Math.max(Math.ceil(this.#room * growth), this.#samplesAt + samples, Math.ceil(this.#expected));
    this.#seconds = this.#enlarged(this.#seconds, capacity);
    this.#nanoseconds = this.#enlarged(this.#nanoseconds, capacity);
    for (let column = 0; column < this.#columns.length; column++)
      this.#columns[column] = this.#enlarged(this.#columns[column]!, capacity);
    // They are mostly longer than they were asked to be.
    this.#room = Math.min(this.#seconds.length, this.#nanoseconds.length, ...this.#columns.map(({ length }) => length));
  }

  #enlarged<T extends Float64Array | Int32Array>(array: T, capacity: number): T {
    if (array.length >= capacity) return array;
    const longer = enlarged(array, capacity, this.#samplesAt);
    spare(array);
    return longer;
  }
}
