import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { defineStep } from '../definition.ts';
import { channels, columnsOf, demandSamples, rate, StepProblem } from '../params.ts';
import { along, filterAlongRow, rateAlongRow } from './along-row.ts';
import { Filter, filterStep } from './filter.ts';
import { GapFilter } from './gaps.ts';
import { openOnePole } from './run.ts';

export const smooth = defineStep({
  use: 'smooth',
  summary: 'exponential smoothing by a time constant, for even and uneven samples',
  params: z.strictObject({
    time: span().describe('time constant: after so long 63 % of a jump has come through'),
    along: along(),
    rate: rate().optional().describe('samples a second along a row; over time each sample has a time of its own'),
    maxGap: span().optional().describe('after a longer time without a measured value it restarts; default: `time`'),
    segments: z
      .enum(['continue', 'restart'])
      .default('continue')
      .describe('whether it restarts after a record that marks its segment as whole'),
    channels: channels(),
  }),
  build(given, shape) {
    demandSamples(shape);
    const channel = new GapFilter(openOnePole(nanosecondsOf(given.time)), nanosecondsOf(given.maxGap ?? given.time));
    const columns = columnsOf(shape.channels, given.channels);
    if (given.along === 'row') return filterAlongRow(channel, shape, { columns, rate: rateAlongRow(given.rate) });
    if (given.rate !== undefined)
      throw new StepProblem('rate: only along a row, where samples have no times of their own');
    return filterStep(new Filter(channel, { columns, restarts: given.segments === 'restart' }), shape);
  },
});
