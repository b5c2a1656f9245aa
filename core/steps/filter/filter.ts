import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { channels, columnsOf, demandSamples, rate, rateOf, StepProblem } from '../params.ts';
import { inSegment, onlyEndsSegment, type Shape, type StepRows } from '../port.ts';
import { endsASegment } from '../reorder.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare } from '../time.ts';
import { along, filterAlongRow, rateAlongRow } from './along-row.ts';
import { type Band, designButterworth, steadyState } from './butterworth.ts';
import { type ChannelStates, GapFilter } from './gaps.ts';
import { openSections } from './run.ts';

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
  along: along(),
  rate: rate()
    .optional()
    .describe('samples a second; default: that of the resample step before it, but not along a row'),
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
    const samplesPerSecond = given.along === 'row' ? rateAlongRow(given.rate) : rateOf(shape, given.rate);
    const sections = designButterworth({
      band: given.band,
      order: given.order,
      corners: cornersOf(given.band, given.low, given.high, samplesPerSecond),
      rate: samplesPerSecond,
    });
    const maxGapNs = given.maxGap
      ? nanosecondsOf(given.maxGap)
      : Math.ceil((defaultGapSamples * 1e9) / samplesPerSecond);
    const channel = new GapFilter(openSections(sections, steadyState(sections)), maxGapNs);
    const columns = columnsOf(shape.channels, given.channels);
    if (given.along === 'row') return filterAlongRow(channel, shape, { columns, rate: samplesPerSecond });
    const step = new Filter(channel, { columns, restarts: given.segments === 'restart' });
    return filterStep(step, { ...shape, rate: samplesPerSecond });
  },
});

export function filterStep(step: Filter, shape: Shape) {
  return { shape, open: () => openByDevice(step, { width: shape.channels.length, keepsRows: true }) };
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
  readonly restarts: boolean;
}

interface State extends ChannelStates {
  /** Time of the last row. */
  lastSeconds: number;
  lastNanoseconds: number;
}

/** Filters channels of rows that come in order. A value that is missing stays missing and does not reach the filter. */
export class Filter implements DeviceStep<State> {
  readonly #channel: GapFilter;
  readonly #options: FilterOptions;

  constructor(channel: GapFilter, options: FilterOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  create(): State {
    return {
      ...this.#channel.create(this.#options.columns.length),
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
    const { columns } = this.#options;
    const { times } = output;
    const isDense = !this.#channel.hasLongGap(times, from, to);
    for (let channel = 0; channel < columns.length; channel++)
      this.#channel.run(state, channel, times, output.columns[columns[channel]!]!, from, to, isDense);
  }
}

/** Whether a row comes behind one of a later time. */
const isPast = ({ lastSeconds, lastNanoseconds }: State, { seconds, nanoseconds }: StepRows, row: number): boolean =>
  compare(seconds[row]!, nanoseconds[row]!, lastSeconds, lastNanoseconds) < 0;
