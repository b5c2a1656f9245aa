import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { defineStep } from '../definition.ts';
import { channels, columnsOf, demandSamples } from '../params.ts';
import { Filter, filterStep } from './filter.ts';
import { openOnePole } from './run.ts';

export const smooth = defineStep({
  use: 'smooth',
  summary: 'exponential smoothing by a time constant, for even and uneven samples',
  params: z.strictObject({
    time: span().describe('time constant: after so long 63 % of a jump has come through'),
    maxGap: span().optional().describe('after a longer time without a measured value it restarts; default: `time`'),
    segments: z
      .enum(['continue', 'restart'])
      .default('continue')
      .describe('whether it restarts after a record that marks its segment as whole'),
    channels: channels(),
  }),
  build(given, shape) {
    demandSamples(shape);
    const step = new Filter(openOnePole(nanosecondsOf(given.time)), {
      columns: columnsOf(shape.channels, given.channels),
      maxGapNs: nanosecondsOf(given.maxGap ?? given.time),
      restarts: given.segments === 'restart',
    });
    return filterStep(step, shape);
  },
});
