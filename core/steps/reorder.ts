import type { Output } from './output.ts';
import { endsSegment, inSegment, noTruth, onlyEndsSegment, type StepRows } from './port.ts';
import { SampleLog } from './sample-log.ts';
import type { StateReader, StateWriter } from './state.ts';
import { compare, shift } from './time.ts';

/**
 * Puts the samples of one device in order: each is held until the device's event time has passed it by `graceNs`, and released by time.
 * What comes for a time that was released already is late; the later of two samples of one time wins.
 */
export class Reorder {
  readonly log: SampleLog;
  /** The largest time seen; event time. */
  #maxSeconds = Number.NEGATIVE_INFINITY;
  #maxNanoseconds = 0;
  /** Everything up to here, and it too, was released. */
  #throughSeconds = Number.NEGATIVE_INFINITY;
  #throughNanoseconds = 0;

  constructor(log: SampleLog) {
    this.log = log;
  }

  fork(): Reorder {
    const copy = new Reorder(this.log.fork());
    copy.#maxSeconds = this.#maxSeconds;
    copy.#maxNanoseconds = this.#maxNanoseconds;
    copy.#throughSeconds = this.#throughSeconds;
    copy.#throughNanoseconds = this.#throughNanoseconds;
    return copy;
  }

  /**
   * Takes in rows `from` up to where they belong to another input, or up to a row that is not in order.
   * @returns where it stopped, at most `to`
   */
  take(rows: StepRows, from: number, to: number, { graceNs, maxSamples }: ReorderLimits, output: Output): number {
    const { seconds, nanoseconds, inputs, segments } = rows;
    const input = inputs[from]!;
    let row = from;
    let lastSeconds = this.#maxSeconds;
    let lastNanoseconds = this.#maxNanoseconds;
    const most = Math.min(to, from + Math.max(0, maxSamples - this.log.length));
    while (row < most && inputs[row] === input && segments[row] === inSegment) {
      const at = seconds[row]!;
      const ns = nanoseconds[row]!;
      if (at < lastSeconds || (at === lastSeconds && ns <= lastNanoseconds)) break;
      lastSeconds = at;
      lastNanoseconds = ns;
      row++;
    }
    if (row > from) {
      this.log.append(rows, from, row);
      this.#see(lastSeconds, lastNanoseconds, graceNs);
      return row;
    }
    this.#takeOne(rows, from, maxSamples, output);
    const ends = endsASegment(segments[from]!) && !this.isPast(seconds[from]!, nanoseconds[from]!);
    this.#see(seconds[from]!, nanoseconds[from]!, ends ? 0 : graceNs);
    return from + 1;
  }

  /** Whether a later time was seen. */
  isPast(seconds: number, nanoseconds: number): boolean {
    return compare(seconds, nanoseconds, this.#maxSeconds, this.#maxNanoseconds) < 0;
  }

  /** How many samples of the log, from its start, are to be released now. */
  ready(): number {
    const { log } = this;
    const after = shift(this.#throughSeconds, this.#throughNanoseconds, 1);
    const isReady = (at: number) =>
      compare(log.seconds[at]!, log.nanoseconds[at]!, after.seconds, after.nanoseconds) < 0;
    // Mostly all of them or none.
    if (log.length === 0 || !isReady(log.start)) return 0;
    if (isReady(log.end - 1)) return log.length;
    return log.indexOf(after.seconds, after.nanoseconds) - log.start;
  }

  write(writer: StateWriter): void {
    writer.number(this.#maxSeconds);
    writer.number(this.#maxNanoseconds);
    writer.number(this.#throughSeconds);
    writer.number(this.#throughNanoseconds);
    this.log.write(writer);
  }

  static read(reader: StateReader, width: number): Reorder {
    const times = [reader.number(), reader.number(), reader.number(), reader.number()] as const;
    const reorder = new Reorder(SampleLog.read(reader, width));
    [reorder.#maxSeconds, reorder.#maxNanoseconds, reorder.#throughSeconds, reorder.#throughNanoseconds] = times;
    return reorder;
  }

  #takeOne(rows: StepRows, row: number, maxSamples: number, output: Output): void {
    const seconds = rows.seconds[row]!;
    const nanoseconds = rows.nanoseconds[row]!;
    const segment = rows.segments[row]!;
    if (segment === onlyEndsSegment) output.consumed++;
    else if (compare(seconds, nanoseconds, this.#throughSeconds, this.#throughNanoseconds) <= 0)
      output.skip(rows, row, 'late');
    else if (this.log.length >= maxSamples) output.skip(rows, row, 'full');
    else if (this.log.put(rows, row)) output.duplicates++;
  }

  /** Event time moves on, and with it what is released. */
  #see(seconds: number, nanoseconds: number, graceNs: number): void {
    if (compare(seconds, nanoseconds, this.#maxSeconds, this.#maxNanoseconds) > 0) {
      this.#maxSeconds = seconds;
      this.#maxNanoseconds = nanoseconds;
    }
    const through = shift(this.#maxSeconds, this.#maxNanoseconds, -graceNs);
    if (compare(through.seconds, through.nanoseconds, this.#throughSeconds, this.#throughNanoseconds) > 0) {
      this.#throughSeconds = through.seconds;
      this.#throughNanoseconds = through.nanoseconds;
    }
  }
}

export interface ReorderLimits {
  readonly graceNs: number;
  /** More samples than this are not held for one device. */
  readonly maxSamples: number;
}

/** Whether a row marks its segment as whole. */
export const endsASegment = (segment: number): boolean => segment === endsSegment || segment === onlyEndsSegment;

/** Marks a segment as whole where no row is left to do it. */
export function addEnd(rows: StepRows, row: number, output: Output): void {
  output.reserve(1);
  const seconds = rows.seconds[row]!;
  const nanoseconds = rows.nanoseconds[row]!;
  const at = output.add(rows.devices[row]!, seconds, nanoseconds, noTruth, rows.inputs[row]!, onlyEndsSegment);
  for (const column of output.columns) column[at] = Number.NaN;
}
