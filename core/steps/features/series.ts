import { z } from 'zod';
import { defineStep } from '../definition.ts';
import { channels, columnsOf, rate, rateOf, StepProblem } from '../params.ts';
import type { Windows } from '../port.ts';
import { since } from '../time.ts';
import { type ChannelFeatures, featureStep } from './features.ts';

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
    const used = columnsOf(shape.windows.channels, params.channels).map(
      (column) => shape.windows?.channels[column] ?? '',
    );
    if (length < 2 || length * used.length > maxColumns)
      throw new StepProblem(
        `rate: a window has ${length} samples of ${used.length} channels; a series has 2 to ${maxColumns} in all`,
      );
    const step = featureStep(shape, params.channels, samplesOf({ rate: samplesPerSecond, length }));
    return { ...step, shape: { ...step.shape, series: { channels: used, length } } };
  },
});

interface Plan {
  readonly rate: number;
  readonly length: number;
}

const samplesOf = ({ rate: perSecond, length }: Plan): ChannelFeatures => ({
  names: Array.from({ length }, (_, at) => String(at)),
  open: () => ({
    compute: (windows, row, column, into) => place(windows, row, column, { perSecond, length, into }),
  }),
});

/** Puts each sample where it belongs in time. `into` is all gaps before. */
function place(
  { starts, columns, seconds, nanoseconds, fromSeconds, fromNanoseconds }: Windows,
  row: number,
  column: number,
  { perSecond, length, into }: { perSecond: number; length: number; into: Float64Array },
): void {
  const values = columns[column]!;
  const to = starts[row + 1]!;
  for (let at = starts[row]!; at < to; at++) {
    const elapsed = since(seconds[at]!, nanoseconds[at]!, fromSeconds[row]!, fromNanoseconds[row]!);
    const index = Math.round((elapsed / 1e9) * perSecond);
    if (index < length && !Number.isNaN(values[at]!)) into[index] = values[at]!;
  }
}
