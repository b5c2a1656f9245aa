import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { channels, columnsOf, demandSamples, rate, rateOf, StepProblem } from '../params.ts';
import { inSegment, onlyEndsSegment, type Shape, type StepRows } from '../port.ts';
import { endsASegment } from '../reorder.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, since } from '../time.ts';
import { type Band, designButterworth, steadyState } from './butterworth.ts';
import { type ChannelFilter, openSections } from './run.ts';

const frequency = (what: string) => z.number().positive().max(500_000).optional().describe(what);

/** A gap of so many samples is bridged, where nobody said otherwise. */
const defaultGapSamples = 10;

const params = z.strictObject({
  band: z
    .enum(['lowpass', 'highpass', 'bandpass', 'notch'])
    .describe('what passes: below `high`, above `low`, between both, all but between both'),
  low: frequency('lower corner in hertz, where half the power passes; not with lowpass'),
  high: frequency('upper corner in hertz, where half the power passes; not with highpass'),
  order: z.int().min(1).max(8).default(4).describe('how steep: 6 dB an octave for each'),
  rate: rate().optional().describe('samples a second; default: that of the resample step before it'),
  maxGap: span().optional().describe('after a longer time without a measured value it restarts; default: 10 samples'),
  segments: z
    .enum(['continue', 'restart'])
    .default('continue')
    .describe('whether it restarts after a record that marks its segment as whole'),
  channels: channels(),
});

export const filter = defineStep({
  use: 'filter',
  summary: 'a Butterworth filter, low-, high- or band-pass or notch, run forwards only',
  params,
  build(given, shape) {
    demandSamples(shape);
    const samplesPerSecond = rateOf(shape, given.rate);
    const sections = designButterworth({
      band: given.band,
      order: given.order,
      corners: cornersOf(given.band, given.low, given.high, samplesPerSecond),
      rate: samplesPerSecond,
    });
    const maxGapNs = given.maxGap
      ? nanosecondsOf(given.maxGap)
      : Math.ceil((defaultGapSamples * 1e9) / samplesPerSecond);
    const step = new Filter(openSections(sections, steadyState(sections)), {
      columns: columnsOf(shape.channels, given.channels),
      maxGapNs,
      restarts: given.segments === 'restart',
    });
    return filterStep(step, { ...shape, rate: samplesPerSecond });
  },
});

export function filterStep(step: Filter, shape: Shape) {
  return { shape, open: () => openByDevice(step, { width: shape.channels.length }) };
}

/** @throws {StepProblem} where a corner is missing, not wanted, or not below half the rate */
function cornersOf(
  band: Band,
  low: number | undefined,
  high: number | undefined,
  samplesPerSecond: number,
): readonly [number] | readonly [number, number] {
  const wants = { lowpass: ['high'], highpass: ['low'], bandpass: ['low', 'high'], notch: ['low', 'high'] }[band];
  for (const [name, value] of Object.entries({ low, high })) {
    if (value === undefined && wants.includes(name)) throw new StepProblem(`${name}: a ${band} filter needs it`);
    if (value === undefined) continue;
    if (!wants.includes(name)) throw new StepProblem(`${name}: a ${band} filter has no such corner`);
    if (value >= samplesPerSecond / 2)
      throw new StepProblem(`${name}: ${value} Hz is not below half the rate, ${samplesPerSecond / 2} Hz`);
  }
  if (low === undefined) return [high!];
  if (high === undefined) return [low];
  if (low >= high) throw new StepProblem(`high: ${high} Hz is not above low, ${low} Hz`);
  return [low, high];
}

export interface FilterOptions {
  readonly columns: readonly number[];
  readonly maxGapNs: number;
  readonly restarts: boolean;
}

interface State {
  /** The state of each filtered channel, one after the other. */
  readonly numbers: Float64Array;
  /** By filtered channel, when it was last measured; NaN before the first time. */
  readonly seconds: Float64Array;
  readonly nanoseconds: Float64Array;
  /** Time of the last row. */
  lastSeconds: number;
  lastNanoseconds: number;
}

/** Filters channels of rows that come in order. A value that is missing stays missing and does not reach the filter. */
export class Filter implements DeviceStep<State> {
  readonly #channel: ChannelFilter;
  readonly #options: FilterOptions;

  constructor(channel: ChannelFilter, options: FilterOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  create(): State {
    const width = this.#options.columns.length;
    return {
      numbers: new Float64Array(width * this.#channel.size),
      seconds: new Float64Array(width).fill(Number.NaN),
      nanoseconds: new Float64Array(width),
      lastSeconds: Number.NEGATIVE_INFINITY,
      lastNanoseconds: 0,
    };
  }

  fork(state: State): State {
    return {
      ...state,
      numbers: state.numbers.slice(),
      seconds: state.seconds.slice(),
      nanoseconds: state.nanoseconds.slice(),
    };
  }

  held(): number {
    return 0;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; ) {
      const after = this.#inOrder(state, rows, row, to);
      if (after > row) {
        const first = output.copy(rows, row, after);
        output.consumed += after - row;
        this.#filter(state, output, first, output.count);
        row = after;
      } else if (rows.segments[row] === onlyEndsSegment) {
        output.copy(rows, row, row + 1);
        output.consumed++;
        row++;
      } else output.skip(rows, row++, 'late');
      if (this.#options.restarts && endsASegment(rows.segments[row - 1]!) && !isPast(state, rows, row - 1))
        state.seconds.fill(Number.NaN);
    }
  }

  write(state: State, writer: StateWriter): void {
    writer.numbers(state.numbers);
    writer.numbers(state.seconds);
    writer.numbers(state.nanoseconds);
    writer.number(state.lastSeconds);
    writer.number(state.lastNanoseconds);
  }

  read(reader: StateReader): State {
    const width = this.#options.columns.length;
    return {
      numbers: reader.numbers(width * this.#channel.size),
      seconds: reader.numbers(width),
      nanoseconds: reader.numbers(width),
      lastSeconds: reader.number(),
      lastNanoseconds: reader.number(),
    };
  }

  /** How far rows follow each other in time, up to the end of a segment. */
  #inOrder(state: State, { seconds, nanoseconds, segments }: StepRows, from: number, to: number): number {
    let lastSeconds = state.lastSeconds;
    let lastNanoseconds = state.lastNanoseconds;
    let row = from;
    for (; row < to && segments[row] !== onlyEndsSegment; row++) {
      const at = seconds[row]!;
      const ns = nanoseconds[row]!;
      if (at < lastSeconds || (at === lastSeconds && ns <= lastNanoseconds)) break;
      lastSeconds = at;
      lastNanoseconds = ns;
      if (segments[row] !== inSegment) {
        row++;
        break;
      }
    }
    state.lastSeconds = lastSeconds;
    state.lastNanoseconds = lastNanoseconds;
    return row;
  }

  /** Filters rows of the output, which are in order. */
  #filter(state: State, output: Output, from: number, to: number): void {
    const noGap = !this.#hasLongGap(output, from, to);
    for (let channel = 0; channel < this.#options.columns.length; channel++) {
      const values = output.columns[this.#options.columns[channel]!]!;
      if (noGap && isMeasured(values, from, to)) this.#interval(state, channel, output, values, from, to);
      else this.#inParts(state, channel, output, values, from, to);
    }
  }

  #hasLongGap({ seconds, nanoseconds }: Output, from: number, to: number): boolean {
    const { maxGapNs } = this.#options;
    for (let row = from + 1; row < to; row++)
      if (since(seconds[row]!, nanoseconds[row]!, seconds[row - 1]!, nanoseconds[row - 1]!) > maxGapNs) return true;
    return false;
  }

  /** Filters what is measured, interval by interval. */
  #inParts(state: State, channel: number, output: Output, values: Float64Array, from: number, to: number): void {
    for (let row = from; row < to; row++)
      if (!Number.isNaN(values[row]!)) this.#interval(state, channel, output, values, row, row + 1);
  }

  /** Filters rows that are all measured and without a long gap between them. */
  #interval(state: State, channel: number, output: Output, values: Float64Array, from: number, to: number): void {
    const { seconds, nanoseconds } = output;
    const { size } = this.#channel;
    const gap = since(seconds[from]!, nanoseconds[from]!, state.seconds[channel]!, state.nanoseconds[channel]!);
    // Before the first measured value the gap is NaN.
    const isContinued = gap <= this.#options.maxGapNs;
    if (!isContinued) this.#channel.start(state.numbers, channel * size, values[from]!);
    this.#channel.run(state.numbers, channel * size, values, from, to, output, isContinued ? gap : 0);
    state.seconds[channel] = seconds[to - 1]!;
    state.nanoseconds[channel] = nanoseconds[to - 1]!;
  }
}

function isMeasured(values: Float64Array, from: number, to: number): boolean {
  for (let row = from; row < to; row++) if (Number.isNaN(values[row]!)) return false;
  return true;
}

/** Whether a row comes behind one of a later time. */
const isPast = ({ lastSeconds, lastNanoseconds }: State, { seconds, nanoseconds }: StepRows, row: number): boolean =>
  compare(seconds[row]!, nanoseconds[row]!, lastSeconds, lastNanoseconds) < 0;
