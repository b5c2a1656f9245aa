import { z } from 'zod';
import { grown } from '../output.ts';
import { StepProblem } from '../params.ts';
import type { Shape, Step } from '../port.ts';
import { openStateless } from '../stateless.ts';
import { second } from '../time.ts';
import type { GapFilter } from './gaps.ts';
import { withRun } from './row-series.ts';
import type { Times } from './run.ts';

/** What a filter runs along. */
export const along = () =>
  z
    .enum(['time', 'row'])
    .optional()
    .describe(
      '`time`: rows are samples, by device; `row`: the columns of a row are the samples of one segment, in order, and each row starts anew; default: `time`',
    );

interface RowFilterOptions {
  /** The columns that are the samples, in order. */
  readonly columns: readonly number[];
  /** Samples a second. */
  readonly rate: number;
}

/**
 * Filters along rows: the same numbers, bit for bit, as of a device that sends the columns one by one and ends its segment with the last.
 * @throws {StepProblem} where a column is named twice
 */
export function filterAlongRow(filter: GapFilter, shape: Shape, { columns, rate }: RowFilterOptions): Step {
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw new StepProblem(`channels: ${JSON.stringify(shape.channels[twice])} is named twice`);
  return {
    shape: withRun(shape, columns),
    byRow: true,
    takesValues: true,
    open: () => openAlongRow(filter, columns, timesOf(columns.length, rate)),
  };
}

/** The rate of the samples in a row. That of the rows themselves is another one. @throws {StepProblem} where it is missing */
export function rateAlongRow(named: number | undefined): number {
  if (named === undefined) throw new StepProblem('rate: along a row the samples a second have to be given');
  return named;
}

function openAlongRow(filter: GapFilter, columns: readonly number[], times: Times) {
  const samples = columns.length;
  const isDense = !filter.hasLongGap(times, 0, samples);
  const state = filter.create(1);
  const values = new Float64Array(samples);
  const filtered = columns.map(() => new Float64Array(0));
  const firstColumn = columns[0]!;
  const isContiguous = columns.every((column, at) => column === firstColumn + at);
  let room = new Float64Array(0);
  const filterOne = (row: Float64Array) => {
    state.seconds.fill(Number.NaN);
    filter.run(state, 0, times, row, 0, samples, isDense);
  };

  function filterValues(given: Float64Array, count: number): Float64Array {
    // Others read what came.
    if (room.length < given.length) room = new Float64Array(given.length + (given.length >> 3));
    const out = room.subarray(0, given.length);
    out.set(given);
    const width = out.length / count;
    for (let from = 0; from < out.length; from += width) {
      if (isContiguous) {
        filterOne(out.subarray(from + firstColumn, from + firstColumn + samples));
        continue;
      }
      for (let at = 0; at < samples; at++) values[at] = out[from + columns[at]!]!;
      filterOne(values);
      for (let at = 0; at < samples; at++) out[from + columns[at]!] = values[at]!;
    }
    return out;
  }

  return openStateless(({ count, columns: given, values: givenValues }) => {
    if (givenValues) return { columns: given, values: filterValues(givenValues, count) };
    for (const [at, into] of filtered.entries()) if (into.length < count) filtered[at] = grown(into, count * 2, 0);
    for (let row = 0; row < count; row++) {
      for (let at = 0; at < samples; at++) values[at] = given[columns[at]!]![row]!;
      filterOne(values);
      for (let at = 0; at < samples; at++) filtered[at]![row] = values[at]!;
    }
    const out = [...given];
    for (const [at, into] of filtered.entries()) out[columns[at]!] = into;
    return { columns: out };
  });
}

/** As of a record of many samples: sample i comes `floor(i * 1e9 / rate)` ns after the first. */
function timesOf(samples: number, rate: number): Times {
  const seconds = new Float64Array(samples);
  const nanoseconds = new Int32Array(samples);
  for (let at = 0; at < samples; at++) {
    const elapsed = Math.floor((at * second) / rate);
    seconds[at] = Math.floor(elapsed / second);
    nanoseconds[at] = elapsed % second;
  }
  return { seconds, nanoseconds };
}
