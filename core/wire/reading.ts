import { z } from 'zod';

/** Nanoseconds since the epoch as a decimal string; a `bigint` only to compare. */
export const nanosecondsSchema = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .describe('nanoseconds since the Unix epoch, as a decimal string');

/** Of a record of the log whose segment is whole with it; else the key is absent. */
export const endsSegmentSchema = z
  .literal(true)
  .optional()
  .describe('present where the segment is whole with this record: windows of the device close without waiting');

/** What one device measured at one time, as the log carries it. A value that is `null` or absent is a gap. */
export const readingSchema = z
  .strictObject({
    stream: z.string().min(1).describe('the kind of reading'),
    device: z.string().min(1).describe('who measured'),
    time: nanosecondsSchema.describe('when it was measured: nanoseconds since the Unix epoch, as a decimal string'),
    values: z.record(z.string(), z.number().nullable()).describe('what was measured; null or absent is a gap'),
    truth: z.string().optional().describe('the true label, when the source knows it'),
    endsSegment: endsSegmentSchema,
    received: nanosecondsSchema.describe('when the collector took it: nanoseconds, as a decimal string'),
  })
  .meta({ title: 'Reading' });

export type Reading = z.infer<typeof readingSchema>;
