import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { channels, columnsOf } from '../params.ts';
import { onlyEndsSegment, type Shape, type StepRows } from '../port.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, since } from '../time.ts';
import { type ChannelFeatures, featureStep } from './features.ts';

export const lags = defineStep({
  use: 'lags',
  summary: 'values from before: of a window its last samples, without a window the earlier rows of the device',
  params: z.strictObject({
    lags: z
      .array(z.int().min(0).max(1_000))
      .min(1)
      .max(1_000)
      .refine((all) => new Set(all).size === all.length, 'a lag stands there twice')
      .describe('how many samples back, each a column; in a window 0 is the last sample, else 0 is not of use'),
    maxAge: span().optional().describe('an older value is a gap; default: any age'),
    minSamples: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1)
      .describe('in a window: with fewer measured values all of them are gaps'),
    channels: channels(),
  }),
  build(params, shape) {
    const maxAgeNs = params.maxAge === undefined ? Number.POSITIVE_INFINITY : nanosecondsOf(params.maxAge);
    if (shape.windows)
      return featureStep(shape, params.channels, lagsInWindow(params.lags, maxAgeNs, params.minSamples));
    const columns = columnsOf(shape.channels, params.channels);
    return lagsOfRows(shape, { columns, lags: params.lags, maxAgeNs });
  },
});

const nameOf = (lag: number) => `lag${lag}`;

function lagsInWindow(chosen: readonly number[], maxAgeNs: number, minSamples: number): ChannelFeatures {
  return {
    names: chosen.map(nameOf),
    open: () => ({
      compute({ starts, columns, seconds, nanoseconds }, row, column, into) {
        const values = columns[column]!;
        const from = starts[row]!;
        const last = starts[row + 1]! - 1;
        let measured = 0;
        for (let at = from; at <= last; at++) if (!Number.isNaN(values[at]!)) measured++;
        if (measured < minSamples) return;
        chosen.forEach((lag, index) => {
          const at = last - lag;
          if (at < from) return;
          if (since(seconds[last]!, nanoseconds[last]!, seconds[at]!, nanoseconds[at]!) <= maxAgeNs)
            into[index] = values[at]!;
        });
      },
    }),
  };
}

interface RowLags {
  readonly columns: readonly number[];
  readonly lags: readonly number[];
  readonly maxAgeNs: number;
}

function lagsOfRows(shape: Shape, options: RowLags) {
  const added = options.columns.flatMap((column) =>
    options.lags.map((lag) => `${shape.channels[column]}.${nameOf(lag)}`),
  );
  const all = [...shape.channels, ...added];
  return {
    shape: { ...shape, channels: all },
    open: () => openByDevice(new RowsBefore(options, shape.channels.length), { width: all.length }),
  };
}

/** The last rows of a device, in a ring. */
interface State {
  /** By place in the ring and then channel. */
  readonly values: Float64Array;
  readonly seconds: Float64Array;
  readonly nanoseconds: Float64Array;
  /** Rows seen; the next one goes to this place, modulo the length of the ring. */
  seen: number;
}

class RowsBefore implements DeviceStep<State> {
  readonly #options: RowLags;
  readonly #width: number;
  readonly #places: number;

  constructor(options: RowLags, width: number) {
    this.#options = options;
    this.#width = width;
    this.#places = Math.max(...options.lags) + 1;
  }

  create(): State {
    return {
      values: new Float64Array(this.#places * this.#options.columns.length),
      seconds: new Float64Array(this.#places),
      nanoseconds: new Float64Array(this.#places),
      seen: 0,
    };
  }

  fork(state: State): State {
    const { values, seconds, nanoseconds, seen } = state;
    return { values: values.slice(), seconds: seconds.slice(), nanoseconds: nanoseconds.slice(), seen };
  }

  held(): number {
    return 0;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; row++) {
      const seconds = rows.seconds[row]!;
      const nanoseconds = rows.nanoseconds[row]!;
      const isSample = rows.segments[row] !== onlyEndsSegment;
      const last = (state.seen + this.#places - 1) % this.#places;
      const isLate =
        state.seen > 0 && compare(seconds, nanoseconds, state.seconds[last]!, state.nanoseconds[last]!) <= 0;
      if (isSample && isLate) {
        output.skip(rows, row, 'late');
        continue;
      }
      const at = output.copy(rows, row, row + 1);
      output.consumed++;
      if (isSample) this.#keep(state, rows, row);
      this.#put(state, output, at, isSample);
    }
  }

  write(state: State, writer: StateWriter): void {
    writer.number(state.seen);
    writer.numbers(state.values);
    writer.numbers(state.seconds);
    writer.numbers(state.nanoseconds);
  }

  read(reader: StateReader): State {
    const seen = reader.number();
    const values = reader.numbers(this.#places * this.#options.columns.length);
    return { values, seconds: reader.numbers(this.#places), nanoseconds: reader.numbers(this.#places), seen };
  }

  #keep(state: State, rows: StepRows, row: number): void {
    const { columns } = this.#options;
    const place = state.seen % this.#places;
    for (let channel = 0; channel < columns.length; channel++)
      state.values[place * columns.length + channel] = rows.columns[columns[channel]!]![row]!;
    state.seconds[place] = rows.seconds[row]!;
    state.nanoseconds[place] = rows.nanoseconds[row]!;
    state.seen++;
  }

  #put(state: State, output: Output, at: number, isSample: boolean): void {
    const { columns, lags: chosen, maxAgeNs } = this.#options;
    for (let channel = 0; channel < columns.length; channel++)
      for (let index = 0; index < chosen.length; index++) {
        const column = output.columns[this.#width + channel * chosen.length + index]!;
        const back = state.seen - 1 - chosen[index]!;
        const place = back % this.#places;
        const isThere =
          isSample &&
          back >= 0 &&
          since(output.seconds[at]!, output.nanoseconds[at]!, state.seconds[place]!, state.nanoseconds[place]!) <=
            maxAgeNs;
        column[at] = isThere ? state.values[place * columns.length + channel]! : Number.NaN;
      }
  }
}
