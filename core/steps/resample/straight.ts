import type { Grid } from '../grid.ts';
import type { Output } from '../output.ts';
import type { SampleLog } from '../sample-log.ts';
import { since } from '../time.ts';
import { type ResampleOptions, remember, type State } from './state.ts';

/** The fast path of resampling: straight lines from sample to sample while every channel is measured and none waits. */
export class Straight {
  readonly #options: ResampleOptions;
  readonly #grid: Grid;
  /** Of the grid rows that are added: how far from one sample to the next, and which is the next. */
  #shares = new Float64Array(0);
  #targets = new Int32Array(0);

  constructor(options: ResampleOptions, grid: Grid) {
    this.#options = options;
    this.#grid = grid;
  }

  /** Takes in samples from the start of the log on. @returns the first that it did not take in */
  run(state: State, log: SampleLog, end: number, device: number, input: number, output: Output): number {
    const { next, seconds, nanoseconds } = state;
    const first = log.start;
    if (!next || this.#options.method !== 'linear' || state.waitingTruths.length > 0 || !isAligned(state)) return first;
    const measured = firstUnmeasured(log, end);
    const onGrid = this.#copy(state, log, measured, device, input, output);
    if (onGrid > first) return onGrid;
    const after = this.#withoutGap(log, measured, seconds[0]!, nanoseconds[0]!);
    if (after === first) return first;
    const row = output.count;
    this.#place(state, log, after, device, input, output);
    const count = output.count - row;
    for (let channel = 0; channel < this.#options.width; channel++)
      this.#interpolate(log.columns[channel]!, first, state.values[channel]!, output.columns[channel]!, row, count);
    remember(state, log, after - 1);
    return after;
  }

  /** Samples, from the start of the log on, that lie on the grid already are its rows. @returns the first that is not taken in */
  #copy(state: State, log: SampleLog, end: number, device: number, input: number, output: Output): number {
    const { start, seconds, nanoseconds, truths } = log;
    const { maxGapNs, width } = this.#options;
    if (start === end || this.#grid.stepNs > maxGapNs) return start;
    if (since(seconds[start]!, nanoseconds[start]!, state.seconds[0]!, state.nanoseconds[0]!) > maxGapNs) return start;
    const count = this.#grid.follow(state.next!, seconds, nanoseconds, start, end);
    if (count === 0) return start;
    const after = start + count;
    output.reserve(count);
    const row = output.count;
    output.seconds.set(seconds.subarray(start, after), row);
    output.nanoseconds.set(nanoseconds.subarray(start, after), row);
    output.truths.set(truths.subarray(start, after), row);
    for (let channel = 0; channel < width; channel++)
      output.columns[channel]!.set(log.columns[channel]!.subarray(start, after), row);
    output.addTimed(count, device, input);
    remember(state, log, after - 1);
    return after;
  }

  /** How far samples, from the start of the log on, follow each other without a long gap. */
  #withoutGap(log: SampleLog, end: number, lastSeconds: number, lastNanoseconds: number): number {
    const { seconds, nanoseconds, start } = log;
    const { maxGapNs } = this.#options;
    let fromSeconds = lastSeconds;
    let fromNanoseconds = lastNanoseconds;
    for (let at = start; at < end; at++) {
      if (since(seconds[at]!, nanoseconds[at]!, fromSeconds, fromNanoseconds) > maxGapNs) return at;
      fromSeconds = seconds[at]!;
      fromNanoseconds = nanoseconds[at]!;
    }
    return end;
  }

  /** Adds the grid rows up to the sample before `after`, but for their values: which samples each lies between, and where. */
  #place(state: State, log: SampleLog, after: number, device: number, input: number, output: Output): void {
    const to = { seconds: log.seconds[after - 1]!, nanoseconds: log.nanoseconds[after - 1]! };
    output.reserve(this.#grid.most(state.next!, to));
    const first = output.count;
    const count = this.#grid.fill(state.next!, to, output.seconds, output.nanoseconds, first);
    if (count > this.#shares.length) {
      this.#shares = new Float64Array(2 * count);
      this.#targets = new Int32Array(2 * count);
    }
    this.#join(state, log, output, first, first + count);
    output.addTimed(count, device, input);
  }

  /** For each of the rows from `row` to `end`, whose times are known: the samples that it lies between, where, and its truth. */
  #join(state: State, log: SampleLog, output: Output, row: number, end: number): void {
    const { seconds, nanoseconds, truths } = output;
    const sampleSeconds = log.seconds;
    const sampleNanoseconds = log.nanoseconds;
    const sampleTruths = log.truths;
    const shares = this.#shares;
    const targets = this.#targets;
    let truth = state.truth;
    let at = log.start;
    let left = 0;
    let gap = since(sampleSeconds[at]!, sampleNanoseconds[at]!, state.seconds[0]!, state.nanoseconds[0]!);
    for (let next = row; next < end; next++) {
      const gridSeconds = seconds[next]!;
      const gridNanoseconds = nanoseconds[next]!;
      for (;;) {
        left = since(sampleSeconds[at]!, sampleNanoseconds[at]!, gridSeconds, gridNanoseconds);
        if (left >= 0) break;
        truth = sampleTruths[at]!;
        at++;
        gap = since(sampleSeconds[at]!, sampleNanoseconds[at]!, sampleSeconds[at - 1]!, sampleNanoseconds[at - 1]!);
      }
      shares[next - row] = (gap - left) / gap;
      targets[next - row] = at;
      truths[next] = left === 0 ? sampleTruths[at]! : truth;
    }
  }

  /** Puts the values of one channel into rows that {@link #place} added. @param last the value before the sample `first` */
  #interpolate(from: Float64Array, first: number, last: number, to: Float64Array, row: number, count: number): void {
    const shares = this.#shares;
    const targets = this.#targets;
    let index = 0;
    for (; index < count && targets[index] === first; index++)
      to[row + index] = between(last, from[first]!, shares[index]!);
    for (; index < count; index++) {
      const target = targets[index]!;
      to[row + index] = between(from[target - 1]!, from[target]!, shares[index]!);
    }
  }
}

/** The first sample of the log that lacks a channel; `end` where there is none before it. */
function firstUnmeasured({ columns, start }: SampleLog, end: number): number {
  let first = end;
  for (const column of columns) {
    let at = start;
    while (at < first && !Number.isNaN(column[at]!)) at++;
    first = at;
  }
  return first;
}

/** Whether every channel was measured at the last sample. */
function isAligned({ values, seconds, nanoseconds }: State): boolean {
  for (let channel = 0; channel < values.length; channel++)
    if (Number.isNaN(values[channel]!) || seconds[channel] !== seconds[0] || nanoseconds[channel] !== nanoseconds[0])
      return false;
  return true;
}

/** The value at a share of the way; at the end it is the later one to the bit. */
const between = (before: number, value: number, share: number): number =>
  share === 1 ? value : before + (value - before) * share;
