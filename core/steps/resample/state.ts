import type { GridTime } from '../grid.ts';
import { noTruth } from '../port.ts';
import { Reorder } from '../reorder.ts';
import { SampleLog } from '../sample-log.ts';
import type { StateReader, StateWriter } from '../state.ts';

export interface ResampleOptions {
  readonly rate: number;
  readonly method: 'linear' | 'previous';
  readonly width: number;
  readonly maxGapNs: number;
  readonly graceNs: number;
  readonly maxSamples: number;
}

/** One device's samples on their way to the grid. */
export interface State {
  readonly reorder: Reorder;
  /** By channel, the last measured value and its time; NaN where there is none in this segment. */
  readonly values: Float64Array;
  readonly seconds: Float64Array;
  readonly nanoseconds: Float64Array;
  /** Time, truth and `unsent` of the last sample, measured or not. */
  lastSeconds: number;
  lastNanoseconds: number;
  truth: number;
  unsent: number;
  /** The first grid row that did not go out yet; undefined before the first sample of a segment. */
  next: GridTime | undefined;
  /** Rows from `next` on that wait for a channel, by row and then channel, and truth and `unsent` of each. */
  waiting: number[];
  waitingTruths: number[];
  waitingUnsent: number[];
}

export function createState(width: number): State {
  return {
    reorder: new Reorder(new SampleLog(width)),
    values: new Float64Array(width).fill(Number.NaN),
    seconds: new Float64Array(width),
    nanoseconds: new Float64Array(width),
    lastSeconds: 0,
    lastNanoseconds: 0,
    truth: noTruth,
    unsent: 0,
    next: undefined,
    waiting: [],
    waitingTruths: [],
    waitingUnsent: [],
  };
}

export function forkState(state: State): State {
  return {
    ...state,
    reorder: state.reorder.fork(),
    values: state.values.slice(),
    seconds: state.seconds.slice(),
    nanoseconds: state.nanoseconds.slice(),
    next: state.next && { ...state.next },
    waiting: state.waiting.slice(),
    waitingTruths: state.waitingTruths.slice(),
    waitingUnsent: state.waitingUnsent.slice(),
  };
}

export function writeState(state: State, writer: StateWriter): void {
  state.reorder.write(writer);
  writer.numbers(state.values);
  writer.numbers(state.seconds);
  writer.numbers(state.nanoseconds);
  const { lastSeconds, lastNanoseconds, truth, unsent, next } = state;
  const grid = next ? [1, next.seconds, next.nanoseconds, next.index] : [0, 0, 0, 0];
  writer.numbers(Float64Array.of(lastSeconds, lastNanoseconds, truth, unsent, ...grid));
  writer.number(state.waitingTruths.length);
  writer.numbers(Float64Array.from(state.waitingTruths));
  writer.numbers(Float64Array.from(state.waitingUnsent));
  writer.numbers(Float64Array.from(state.waiting));
}

export function readState(reader: StateReader, width: number): State {
  const reorder = Reorder.read(reader, width);
  const values = reader.numbers(width);
  const seconds = reader.numbers(width);
  const nanoseconds = reader.numbers(width);
  const time = { lastSeconds: reader.number(), lastNanoseconds: reader.number() };
  const last = { ...time, truth: reader.number(), unsent: reader.number() };
  const isGoing = reader.number() === 1;
  const grid = { seconds: reader.number(), nanoseconds: reader.number(), index: reader.number() };
  const count = reader.count(reader.left);
  const waitingTruths = [...reader.numbers(count)];
  const waitingUnsent = [...reader.numbers(count)];
  const waiting = [...reader.numbers(count * width)];
  const known = { reorder, values, seconds, nanoseconds, ...last, next: isGoing ? grid : undefined };
  return { ...known, waiting, waitingTruths, waitingUnsent };
}

/** What the sample at `at` says is the last that is known of the device. */
export function remember(state: State, log: SampleLog, at: number): void {
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
  state.unsent = log.unsent[at]!;
}
