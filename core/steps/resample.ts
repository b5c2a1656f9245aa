import { z } from 'zod';
import { type DeviceStep, openByDevice } from './by-device.ts';
import { defineStep } from './definition.ts';
import { duration, nanosecondsOf, span } from './duration.ts';
import { Grid, type GridTime } from './grid.ts';
import type { Output } from './output.ts';
import { demandSamples, rate, StepProblem } from './params.ts';
import { inSegment, noTruth, type StepRows } from './port.ts';
import { addEnd, endsASegment, Reorder } from './reorder.ts';
import { SampleLog } from './sample-log.ts';
import type { StateReader, StateWriter } from './state.ts';
import { shift, since } from './time.ts';

/** Grid rows that may wait for a channel that was not measured, by device. */
const maxWaiting = 100_000;

export const resample = defineStep({
  use: 'resample',
  summary: 'puts samples onto a regular grid and in order; bridges short gaps',
  params: z.strictObject({
    rate: rate().describe('samples a second of the grid, which is aligned to the epoch'),
    method: z
      .enum(['linear', 'previous'])
      .default('linear')
      .describe('between two samples: a straight line, or the earlier one'),
    maxGap: span().describe('a longer time without a measured value stays a gap'),
    grace: duration().default('0s').describe('how much later than the newest a sample may come and still count'),
    maxSamples: z.int().min(1).max(10_000_000).default(100_000).describe('samples held for one device at most'),
  }),
  build(params, shape) {
    demandSamples(shape);
    const maxGapNs = nanosecondsOf(params.maxGap);
    if ((maxGapNs / 1e9) * params.rate > maxWaiting)
      throw new StepProblem(`maxGap: it spans more than ${maxWaiting} samples of the rate; take a shorter one`);
    const width = shape.channels.length;
    const options = { ...params, width, maxGapNs, graceNs: nanosecondsOf(params.grace) };
    return {
      shape: { channels: shape.channels, rate: params.rate },
      open: () => openByDevice(new Resample(options), { width }),
    };
  },
});

interface Options {
  readonly rate: number;
  readonly method: 'linear' | 'previous';
  readonly width: number;
  readonly maxGapNs: number;
  readonly graceNs: number;
  readonly maxSamples: number;
}

/** One device's samples on their way to the grid. */
interface State {
  readonly reorder: Reorder;
  /** By channel, the last measured value and its time; NaN where there is none in this segment. */
  readonly values: Float64Array;
  readonly seconds: Float64Array;
  readonly nanoseconds: Float64Array;
  /** Time and truth of the last sample, measured or not. */
  lastSeconds: number;
  lastNanoseconds: number;
  truth: number;
  /** The first grid row that did not go out yet; undefined before the first sample of a segment. */
  next: GridTime | undefined;
  /** Rows from `next` on that wait for a channel, by row and then channel, and the truth of each. */
  waiting: number[];
  waitingTruths: number[];
}

class Resample implements DeviceStep<State> {
  readonly #options: Options;
  readonly #grid: Grid;
  /** Of grid rows of the fast path: how far from one sample to the next, and which is the next. */
  #shares = new Float64Array(0);
  #targets = new Int32Array(0);

  constructor(options: Options) {
    this.#options = options;
    this.#grid = new Grid(options.rate);
  }

  create(): State {
    const { width } = this.#options;
    return {
      reorder: new Reorder(new SampleLog(width)),
      values: new Float64Array(width).fill(Number.NaN),
      seconds: new Float64Array(width),
      nanoseconds: new Float64Array(width),
      lastSeconds: 0,
      lastNanoseconds: 0,
      truth: noTruth,
      next: undefined,
      waiting: [],
      waitingTruths: [],
    };
  }

  fork(state: State): State {
    return {
      ...state,
      reorder: state.reorder.fork(),
      values: state.values.slice(),
      seconds: state.seconds.slice(),
      nanoseconds: state.nanoseconds.slice(),
      next: state.next && { ...state.next },
      waiting: state.waiting.slice(),
      waitingTruths: state.waitingTruths.slice(),
    };
  }

  held(state: State): number {
    return state.reorder.log.length;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; ) {
      const after = state.reorder.take(rows, row, to, this.#options, output);
      this.#release(state, rows.devices[row]!, rows.inputs[row]!, output);
      if (endsASegment(rows.segments[after - 1]!)) this.#endSegment(state, rows, after - 1, output);
      row = after;
    }
  }

  write(state: State, writer: StateWriter): void {
    state.reorder.write(writer);
    writer.numbers(state.values);
    writer.numbers(state.seconds);
    writer.numbers(state.nanoseconds);
    const { lastSeconds, lastNanoseconds, truth, next } = state;
    const grid = next ? [1, next.seconds, next.nanoseconds, next.index] : [0, 0, 0, 0];
    writer.numbers(Float64Array.of(lastSeconds, lastNanoseconds, truth, ...grid));
    writer.number(state.waitingTruths.length);
    writer.numbers(Float64Array.from(state.waitingTruths));
    writer.numbers(Float64Array.from(state.waiting));
  }

  read(reader: StateReader): State {
    const { width } = this.#options;
    const reorder = Reorder.read(reader, width);
    const values = reader.numbers(width);
    const seconds = reader.numbers(width);
    const nanoseconds = reader.numbers(width);
    const last = { lastSeconds: reader.number(), lastNanoseconds: reader.number(), truth: reader.number() };
    const isGoing = reader.number() === 1;
    const grid = { seconds: reader.number(), nanoseconds: reader.number(), index: reader.number() };
    const count = reader.count(reader.left);
    const waitingTruths = [...reader.numbers(count)];
    const waiting = [...reader.numbers(count * width)];
    return { reorder, values, seconds, nanoseconds, ...last, next: isGoing ? grid : undefined, waiting, waitingTruths };
  }

  #release(state: State, device: number, input: number, output: Output): void {
    const { log } = state.reorder;
    const end = log.start + state.reorder.ready();
    output.consumed += end - log.start;
    while (log.start < end) {
      const at = this.#straight(state, log, end, device, input, output);
      if (at < end) this.#sample(state, log, at, device, input, output);
      log.start = Math.min(end, at + 1);
    }
  }

  /**
   * The fast path: from sample to sample while every channel is measured and none waits.
   * @returns the first sample that it did not take in
   */
  #straight(state: State, log: SampleLog, end: number, device: number, input: number, output: Output): number {
    const { next, seconds, nanoseconds } = state;
    const first = log.start;
    if (!next || this.#options.method !== 'linear' || state.waitingTruths.length > 0 || !isAligned(state)) return first;
    const after = this.#withoutGap(log, end, seconds[0]!, nanoseconds[0]!);
    if (after === first) return first;
    const row = output.count;
    this.#place(state, log, after, device, input, output);
    const count = output.count - row;
    for (let channel = 0; channel < this.#options.width; channel++)
      this.#interpolate(log.columns[channel]!, first, state.values[channel]!, output.columns[channel]!, row, count);
    remember(state, log, after - 1);
    return after;
  }

  /** How far samples, from the start of the log on, are measured in every channel and follow each other without a long gap. */
  #withoutGap(log: SampleLog, end: number, lastSeconds: number, lastNanoseconds: number): number {
    const { seconds, nanoseconds, start } = log;
    const { maxGapNs } = this.#options;
    let after = end;
    for (const column of log.columns) for (let at = start; at < after; at++) if (Number.isNaN(column[at]!)) after = at;
    let fromSeconds = lastSeconds;
    let fromNanoseconds = lastNanoseconds;
    for (let at = start; at < after; at++) {
      if (since(seconds[at]!, nanoseconds[at]!, fromSeconds, fromNanoseconds) > maxGapNs) return at;
      fromSeconds = seconds[at]!;
      fromNanoseconds = nanoseconds[at]!;
    }
    return after;
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

  /** One sample, whatever it lacks. */
  #sample(state: State, log: SampleLog, at: number, device: number, input: number, output: Output): void {
    const seconds = log.seconds[at]!;
    const nanoseconds = log.nanoseconds[at]!;
    const { maxGapNs } = this.#options;
    if (state.next && since(seconds, nanoseconds, state.lastSeconds, state.lastNanoseconds) > maxGapNs)
      this.#closeGap(state, device, input, output);
    state.next ??= this.#grid.from(seconds, nanoseconds);
    this.#fill(state, log, at);
    remember(state, log, at);
    this.#emit(state, seconds, nanoseconds, device, input, output);
  }

  /** After a gap that nothing bridges: what waits goes out as it is, and the grid restarts. */
  #closeGap(state: State, device: number, input: number, output: Output): void {
    if (this.#options.method === 'previous') {
      const end = shift(state.lastSeconds, state.lastNanoseconds, this.#options.maxGapNs);
      this.#extend(state, end.seconds, end.nanoseconds, (row, time) => this.#hold(state, row, time));
    }
    for (let row = 0; row < state.waitingTruths.length; row++) {
      this.#give(state, row, device, input, output);
      this.#grid.advance(state.next!);
    }
    state.waiting = [];
    state.waitingTruths = [];
    state.next = undefined;
  }

  /** Visits the rows from `next` up to a time, and makes those that do not wait yet. */
  #extend(state: State, seconds: number, nanoseconds: number, visit: (row: number, time: GridTime) => void): void {
    const time = { ...state.next! };
    for (let row = 0; since(seconds, nanoseconds, time.seconds, time.nanoseconds) >= 0; row++) {
      if (row === state.waitingTruths.length) {
        state.waitingTruths.push(state.truth);
        for (let channel = 0; channel < this.#options.width; channel++) state.waiting.push(Number.NaN);
      }
      visit(row, time);
      this.#grid.advance(time);
    }
  }

  /** Puts the earlier values into a row, as far as they reach. */
  #hold({ values, seconds, nanoseconds, waiting }: State, row: number, time: GridTime): void {
    for (let channel = 0; channel < values.length; channel++) {
      const age = since(time.seconds, time.nanoseconds, seconds[channel]!, nanoseconds[channel]!);
      if (age <= this.#options.maxGapNs) waiting[row * values.length + channel] = values[channel]!;
    }
  }

  /** Puts what the sample at `at` determines into the rows up to it. */
  #fill(state: State, log: SampleLog, at: number): void {
    const { width, method } = this.#options;
    const seconds = log.seconds[at]!;
    const nanoseconds = log.nanoseconds[at]!;
    this.#extend(state, seconds, nanoseconds, (row, time) => {
      const left = since(seconds, nanoseconds, time.seconds, time.nanoseconds);
      if (left === 0) state.waitingTruths[row] = log.truths[at]!;
      if (method === 'previous') this.#hold(state, row, time);
      for (let channel = 0; channel < width; channel++) {
        const value = log.columns[channel]![at]!;
        if (Number.isNaN(value)) continue;
        if (left === 0) state.waiting[row * width + channel] = value;
        else if (method === 'linear') this.#bridge(state, row, channel, time, left, value);
      }
    });
  }

  /** A straight line from the last measured value of a channel to one that comes `left` nanoseconds after the row. */
  #bridge(state: State, row: number, channel: number, time: GridTime, left: number, value: number): void {
    const last = state.values[channel]!;
    const done = since(time.seconds, time.nanoseconds, state.seconds[channel]!, state.nanoseconds[channel]!);
    if (Number.isNaN(last) || done <= 0 || done + left > this.#options.maxGapNs) return;
    state.waiting[row * state.values.length + channel] = last + (value - last) * (done / (done + left));
  }

  /** Gives the rows that no later sample can change, and moves on. */
  #emit(state: State, seconds: number, nanoseconds: number, device: number, input: number, output: Output): void {
    const { width, maxGapNs, method } = this.#options;
    let doneSeconds = seconds;
    let doneNanoseconds = nanoseconds;
    for (let channel = 0; channel < width && method === 'linear'; channel++) {
      const last = state.seconds[channel]!;
      const ns = state.nanoseconds[channel]!;
      if (Number.isNaN(state.values[channel]!) || since(seconds, nanoseconds, last, ns) > maxGapNs) continue;
      if (since(last, ns, doneSeconds, doneNanoseconds) < 0) [doneSeconds, doneNanoseconds] = [last, ns];
    }
    const next = state.next!;
    let row = 0;
    for (; row < state.waitingTruths.length; row++) {
      if (since(doneSeconds, doneNanoseconds, next.seconds, next.nanoseconds) < 0) break;
      this.#give(state, row, device, input, output);
      this.#grid.advance(next);
    }
    state.waiting.splice(0, row * width);
    state.waitingTruths.splice(0, row);
  }

  /** Gives a row that waited, unless it is nothing but gaps. */
  #give({ waiting, waitingTruths, next }: State, row: number, device: number, input: number, output: Output): void {
    const { width } = this.#options;
    const first = row * width;
    let measured = false;
    for (let cell = first; cell < first + width; cell++) measured ||= !Number.isNaN(waiting[cell]);
    if (!measured) return;
    output.reserve(1);
    const at = output.add(device, next!.seconds, next!.nanoseconds, waitingTruths[row]!, input, inSegment);
    for (let channel = 0; channel < width; channel++) output.columns[channel]![at] = waiting[first + channel]!;
  }

  /** The segment is whole: what waits goes out as it is, and the next segment is not joined to this one. */
  #endSegment(state: State, rows: StepRows, row: number, output: Output): void {
    if (state.next) this.#closeGap(state, rows.devices[row]!, rows.inputs[row]!, output);
    state.values.fill(Number.NaN);
    addEnd(rows, row, output);
  }
}

function remember(state: State, log: SampleLog, at: number): void {
  for (let channel = 0; channel < state.values.length; channel++) {
    const value = log.columns[channel]![at]!;
    if (Number.isNaN(value)) continue;
    state.values[channel] = value;
    state.seconds[channel] = log.seconds[at]!;
    state.nanoseconds[channel] = log.nanoseconds[at]!;
  }
  state.lastSeconds = log.seconds[at]!;
  state.lastNanoseconds = log.nanoseconds[at]!;
  state.truth = log.truths[at]!;
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
