import { Output } from './output.ts';
import { inSegment, noTruth, type StepRows } from './port.ts';
import { compare, second, since, type Time } from './time.ts';

/** What a record of the log says beside its values. */
export interface InputRecord {
  readonly device: string;
  /** Of its first sample. */
  readonly time: Time;
  readonly received?: Time;
  /** Index of the class, {@link noTruth} by default. */
  readonly truth?: number;
  /** Of its last sample: `endsSegment` where the record says that its segment is whole. */
  readonly segment?: number;
}

/** Makes rows for a chain from records: of one sample each, or of many. Filled again for each batch. */
export class InputRows {
  readonly #output: Output;
  readonly #devices = new Map<string, number>();
  #names: string[] = [];
  #inputs = 0;
  #isReceived = false;
  #receivedSeconds: number[] = [];
  #receivedNanoseconds: number[] = [];
  #leadNs = Number.NEGATIVE_INFINITY;
  /** By device. */
  #latest: Time[] = [];

  constructor(width: number) {
    this.#output = new Output(width);
  }

  /** Forgets the batch before. @param count - rows that are to be expected, for which there is room at once */
  begin(count = 0): void {
    this.#devices.clear();
    this.#names = [];
    this.#inputs = 0;
    this.#isReceived = false;
    this.#receivedSeconds = [];
    this.#receivedNanoseconds = [];
    this.#leadNs = Number.NEGATIVE_INFINITY;
    this.#latest = [];
    this.#output.begin({ names: [] });
    this.#output.reserve(count);
  }

  /** Counts a record that gives no row, so that the index of an input stays that of its record. */
  skipRecord(): void {
    this.#receivedSeconds.push(0);
    this.#receivedNanoseconds.push(0);
    this.#inputs++;
  }

  /** A record of one sample. @param values by column; NaN is a gap */
  addSample(record: InputRecord, values: ArrayLike<number>): void {
    const output = this.#output;
    output.reserve(1);
    const { time, truth = noTruth, segment = inSegment } = record;
    const device = this.#deviceOf(record);
    const row = output.add(device, time.seconds, time.nanoseconds, truth, this.#next(record), segment);
    this.#see(device, record, time);
    for (let column = 0; column < output.columns.length; column++) output.columns[column]![row] = values[column]!;
  }

  /**
   * A record of `count` samples, `rate` a second, the first at its time: sample i comes `floor(i * 1e9 / rate)` ns later.
   * @param values by column: an array of at least `count` with null for a gap, or undefined where the record lacks the channel
   * @param sent by column, how many samples the record's array has; what is missing behind that is no gap. Default: all
   */
  addSamples(
    record: InputRecord,
    rate: number,
    count: number,
    values: readonly (ArrayLike<number | null> | undefined)[],
    sent: readonly number[] = [],
  ): void {
    const output = this.#output;
    output.reserve(count);
    const device = this.#deviceOf(record);
    const input = this.#next(record);
    const { time, truth = noTruth, segment = inSegment } = record;
    const first = output.count;
    const { seconds, nanoseconds } = output;
    for (let sample = 0; sample < count; sample++) {
      const elapsed = time.nanoseconds + Math.floor((sample * second) / rate);
      const whole = elapsed < second ? 0 : Math.floor(elapsed / second);
      seconds[first + sample] = time.seconds + whole;
      nanoseconds[first + sample] = elapsed - whole * second;
    }
    output.truths.fill(truth, first, first + count);
    output.addTimed(count, device, input);
    if (count > 0) {
      const last = first + count - 1;
      output.segments[last] = segment;
      this.#see(device, record, { seconds: seconds[last]!, nanoseconds: nanoseconds[last]! });
    }
    for (const length of sent) for (let sample = length; sample < count; sample++) output.unsent[first + sample]! += 1;
    for (let column = 0; column < output.columns.length; column++) {
      const to = output.columns[column]!;
      const from = values[column];
      if (from === undefined) to.fill(Number.NaN, first, first + count);
      else if (from instanceof Float64Array) to.set(from.length === count ? from : from.subarray(0, count), first);
      else for (let sample = 0; sample < count; sample++) to[first + sample] = from[sample] ?? Number.NaN;
    }
  }

  /** The rows so far. Valid until {@link begin}. */
  rows(): StepRows {
    const rows = { ...this.#output.rows(), names: this.#names, latest: this.#latest };
    if (!this.#isReceived) return rows;
    return {
      ...rows,
      received: {
        leadNs: this.#leadNs,
        seconds: Float64Array.from(this.#receivedSeconds),
        nanoseconds: Int32Array.from(this.#receivedNanoseconds),
      },
    };
  }

  /** Nobody looks at {@link rows} any more. */
  release(): void {
    this.#output.release();
  }

  /** @param last - the time of its last sample, which is its largest */
  #see(device: number, { received }: InputRecord, last: Time): void {
    const { seconds, nanoseconds } = last;
    const known = this.#latest[device];
    if (!known || compare(seconds, nanoseconds, known.seconds, known.nanoseconds) > 0)
      this.#latest[device] = { seconds, nanoseconds };
    if (!received) return;
    this.#leadNs = Math.max(this.#leadNs, since(seconds, nanoseconds, received.seconds, received.nanoseconds));
  }

  #deviceOf({ device }: InputRecord): number {
    const known = this.#devices.get(device);
    if (known !== undefined) return known;
    this.#devices.set(device, this.#names.length);
    return this.#names.push(device) - 1;
  }

  /** Without an arrival a record counts as never ahead. */
  #next({ received }: InputRecord): number {
    this.#isReceived ||= received !== undefined;
    this.#receivedSeconds.push(received?.seconds ?? Number.POSITIVE_INFINITY);
    this.#receivedNanoseconds.push(received?.nanoseconds ?? 0);
    return this.#inputs++;
  }
}
