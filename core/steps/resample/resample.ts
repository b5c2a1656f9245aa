import { z } from 'zod';
import { duration, nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import { Grid, type GridTime } from '../grid.ts';
import type { Output } from '../output.ts';
import { demandSamples, rate, StepProblem } from '../params.ts';
import { inSegment, type StepRows } from '../port.ts';
import { addEnd, endsASegment } from '../reorder.ts';
import type { SampleLog } from '../sample-log.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { shift, since } from '../time.ts';
import { createState, forkState, type ResampleOptions, readState, remember, type State, writeState } from './state.ts';
import { Straight } from './straight.ts';

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

class Resample implements DeviceStep<State> {
  readonly #options: ResampleOptions;
  readonly #grid: Grid;
  readonly #straight: Straight;

  constructor(options: ResampleOptions) {
    this.#options = options;
    this.#grid = new Grid(options.rate);
    this.#straight = new Straight(options, this.#grid);
  }

  create(): State {
    return createState(this.#options.width);
  }

  fork(state: State): State {
    return forkState(state);
  }

  held(state: State): number {
    return state.reorder.log.length;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; ) {
      const after = state.reorder.take(rows, row, to, this.#options, output);
      this.#release(state, rows.devices[row]!, rows.inputs[row]!, output);
      const last = after - 1;
      const ends = endsASegment(rows.segments[last]!);
      if (ends && !state.reorder.isPast(rows.seconds[last]!, rows.nanoseconds[last]!))
        this.#endSegment(state, rows, last, output);
      row = after;
    }
  }

  write(state: State, writer: StateWriter): void {
    writeState(state, writer);
  }

  read(reader: StateReader): State {
    return readState(reader, this.#options.width);
  }

  #release(state: State, device: number, input: number, output: Output): void {
    const { log } = state.reorder;
    const end = log.start + state.reorder.ready();
    output.consumed += end - log.start;
    while (log.start < end) {
      const at = this.#straight.run(state, log, end, device, input, output);
      if (at < end) this.#sample(state, log, at, device, input, output);
      log.start = Math.min(end, at + 1);
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
    if (this.#options.method === 'linear' && isUnmeasured(log, at)) this.#wait(state, log, at);
    else this.#fill(state, log, at);
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
    state.waitingUnsent = [];
    state.next = undefined;
  }

  /** Visits the rows from `next` up to a time, and makes those that do not wait yet. */
  #extend(state: State, seconds: number, nanoseconds: number, visit: (row: number, time: GridTime) => void): void {
    const time = { ...state.next! };
    for (let row = 0; since(seconds, nanoseconds, time.seconds, time.nanoseconds) >= 0; row++) {
      if (row === state.waitingTruths.length) {
        state.waitingTruths.push(state.truth);
        state.waitingUnsent.push(state.unsent);
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

  /** No line ends at a sample that measures nothing: the rows up to it only begin to wait. */
  #wait(state: State, log: SampleLog, at: number): void {
    const { waiting, waitingTruths, waitingUnsent } = state;
    if (waitingTruths.length === 0 && this.#isLost(state, log.seconds[at]!, log.nanoseconds[at]!)) {
      this.#grid.pass(state.next!, log.seconds[at]!, log.nanoseconds[at]!);
      return;
    }
    const time = this.#grid.after(state.next!, waitingTruths.length);
    for (;;) {
      const left = since(log.seconds[at]!, log.nanoseconds[at]!, time.seconds, time.nanoseconds);
      if (left < 0) return;
      waitingTruths.push(left === 0 ? log.truths[at]! : state.truth);
      waitingUnsent.push(left === 0 ? log.unsent[at]! : state.unsent);
      for (let channel = 0; channel < this.#options.width; channel++) waiting.push(Number.NaN);
      this.#grid.advance(time);
    }
  }

  /** Whether no line to a sample of this time or later can begin at any value that is known. */
  #isLost({ values, seconds, nanoseconds }: State, atSeconds: number, atNanoseconds: number): boolean {
    for (let channel = 0; channel < values.length; channel++) {
      const age = since(atSeconds, atNanoseconds, seconds[channel]!, nanoseconds[channel]!);
      if (!Number.isNaN(values[channel]!) && age <= this.#options.maxGapNs) return false;
    }
    return true;
  }

  /** Puts what the sample at `at` determines into the rows up to it. */
  #fill(state: State, log: SampleLog, at: number): void {
    const { width, method } = this.#options;
    const seconds = log.seconds[at]!;
    const nanoseconds = log.nanoseconds[at]!;
    this.#extend(state, seconds, nanoseconds, (row, time) => {
      const left = since(seconds, nanoseconds, time.seconds, time.nanoseconds);
      if (left === 0) {
        state.waitingTruths[row] = log.truths[at]!;
        state.waitingUnsent[row] = log.unsent[at]!;
      }
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
    if (row === 0) return;
    state.waiting.splice(0, row * width);
    state.waitingTruths.splice(0, row);
    state.waitingUnsent.splice(0, row);
  }

  /** Gives a row that waited, unless it is nothing but gaps. */
  #give(
    { waiting, waitingTruths, waitingUnsent, next }: State,
    row: number,
    device: number,
    input: number,
    output: Output,
  ): void {
    const { width } = this.#options;
    const first = row * width;
    let gaps = 0;
    for (let cell = first; cell < first + width; cell++) if (Number.isNaN(waiting[cell])) gaps++;
    if (gaps === width) return;
    output.reserve(1);
    const at = output.add(device, next!.seconds, next!.nanoseconds, waitingTruths[row]!, input, inSegment);
    output.unsent[at] = Math.min(gaps, waitingUnsent[row]!);
    for (let channel = 0; channel < width; channel++) output.columns[channel]![at] = waiting[first + channel]!;
  }

  /** The segment is whole: what waits goes out as it is, and the next segment is not joined to this one. */
  #endSegment(state: State, rows: StepRows, row: number, output: Output): void {
    if (state.next) this.#closeGap(state, rows.devices[row]!, rows.inputs[row]!, output);
    state.values.fill(Number.NaN);
    addEnd(rows, row, output);
  }
}

function isUnmeasured({ columns }: SampleLog, at: number): boolean {
  for (const column of columns) if (!Number.isNaN(column[at]!)) return false;
  return true;
}
