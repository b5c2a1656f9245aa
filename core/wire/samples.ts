import { z } from 'zod';
import { endsSegmentSchema, nanosecondsSchema } from './reading.ts';

/** Numbers that one record of samples holds at most, over all its values: its text then stays below a broker's bound of one megabyte. */
export const maxSampleValues = 32_768;

/** Samples a second. */
export const rateSchema = z.number().min(1e-6).max(1e6).describe('samples a second');

/**
 * Many samples of one device at an even rate, as the log carries them: the first at `time`, sample i `floor(i * 1e9 / rate)` nanoseconds
 * later. There are as many as the longest of the arrays has; a shorter one was measured less often, and what it lacks has
 * no value but is not counted as missing. A field without an array is missing in each sample.
 */
export const samplesSchema = z
  .strictObject({
    stream: z.string().min(1).describe('the kind of reading'),
    device: z.string().min(1).describe('who measured'),
    time: nanosecondsSchema.describe('of the first sample: nanoseconds since the Unix epoch, as a decimal string'),
    rate: rateSchema,
    values: z
      .record(z.string(), z.array(z.number().nullable()))
      .describe('what was measured, sample by sample; null is a gap; an array may end earlier than the longest'),
    truth: z.string().optional().describe('the true label of all samples, when the source knows it'),
    endsSegment: endsSegmentSchema,
    received: nanosecondsSchema.describe('when the collector took it: nanoseconds, as a decimal string'),
  })
  .meta({ title: 'Samples' });

export type Samples = z.infer<typeof samplesSchema>;

/** How many samples a record has. */
export function sampleCount(values: Samples['values']): number {
  let count = 0;
  for (const name in values) count = Math.max(count, values[name]?.length ?? 0);
  return count;
}
