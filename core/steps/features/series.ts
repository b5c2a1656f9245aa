import { z } from 'zod';
import { defineStep } from '../definition.ts';
import { channels, columnsOf, rate, rateOf, StepProblem } from '../params.ts';
import type { StepSession, Windows } from '../port.ts';
import { openStateless } from '../stateless.ts';
import { since } from '../time.ts';

/** Columns of a row at most, over all channels. */
const maxColumns = 100_000;

export const series = defineStep({
  use: 'series',
  summary:
    'the samples of a window as they are, for an estimator that takes whole series; stands alone behind the window',
  params: z.strictObject({
    rate: rate().optional().describe('samples a second; default: that of the steps before it'),
    channels: channels(),
  }),
  build(params, shape) {
    if (!shape.windows) throw new StepProblem('it works on windows; put a window step before it');
    if (shape.channels.length > 0) throw new StepProblem('it stands alone behind the window: leave other features out');
    const samplesPerSecond = rateOf(shape, params.rate);
    const length = Math.round((shape.windows.lengthNs / 1e9) * samplesPerSecond);
    const known = shape.windows.channels;
    const columns = columnsOf(known, params.channels);
    const used = columns.map((column) => known[column] ?? '');
    const twice = used.find((name, at) => used.indexOf(name) !== at);
    if (twice !== undefined) throw new StepProblem(`channels: ${JSON.stringify(twice)} is named twice`);
    if (length < 2 || length * used.length > maxColumns)
      throw new StepProblem(
        `rate: a window has ${length} samples of ${used.length} channels; a series has 2 to ${maxColumns} in all`,
      );
    const names = used.flatMap((channel) => Array.from({ length }, (_, at) => `${channel}.${at}`));
    return {
      shape: { ...shape, channels: names, series: { channels: used, length } },
      open: () => openSeries(columns, { perSecond: samplesPerSecond, length }),
    };
  },
});

interface Plan {
  readonly perSecond: number;
  readonly length: number;
}

/** Rows leave it row after row: there are as many columns as samples. */
function openSeries(columns: readonly number[], plan: Plan): StepSession {
  const { length } = plan;
  const width = columns.length * length;
  let room = new Float64Array(0);
  return openStateless(({ count, windows }) => {
    if (!windows) throw new TypeError('a series is cut from windows');
    if (room.length < count * width) room = new Float64Array(count * width + ((count * width) >> 3));
    const values = room.subarray(0, count * width);
    for (let row = 0, at = 0; row < count; row++)
      for (const column of columns) {
        place(windows, row, column, plan, values, at);
        at += length;
      }
    return { columns: [], values };
  });
}

/** Puts each sample of a window where it belongs in time, from `first` on, and gaps where none does. */
function place(
  { starts, columns, seconds, nanoseconds, fromSeconds, fromNanoseconds }: Windows,
  row: number,
  column: number,
  { perSecond, length }: Plan,
  into: Float64Array,
  first: number,
): void {
  const values = columns[column]!;
  const to = starts[row + 1]!;
  const beginSeconds = fromSeconds[row]!;
  const beginNanoseconds = fromNanoseconds[row]!;
  let next = 0;
  for (let at = starts[row]!; at < to; at++) {
    const elapsed = since(seconds[at]!, nanoseconds[at]!, beginSeconds, beginNanoseconds);
    // Rounded as `Math.round` does, which is slower.
    const index = Math.floor((elapsed / 1e9) * perSecond + 0.5);
    if (index >= length) break;
    while (next <= index) into[first + next++] = Number.NaN;
    if (!Number.isNaN(values[at]!)) into[first + index] = values[at]!;
  }
  into.fill(Number.NaN, first + next, first + length);
}
