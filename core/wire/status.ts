import { z } from 'zod';
import { promotionSchema } from './promotion.ts';

/** How far the readings of late are from those that the model was trained on. */
const driftSchema = z.strictObject({
  readings: z.number().describe('how many were looked at'),
  outside: z.number().min(0).max(1).describe('share of them with a value outside the range of training'),
  psi: z.number().describe('the largest population stability index of a field'),
  threshold: z.number().describe('an index above it counts as drift'),
  drifted: z.int().describe('how many fields have drifted'),
  fields: z
    .array(z.strictObject({ name: z.string(), psi: z.number(), outside: z.number().min(0).max(1) }))
    .describe('those that drifted most, first'),
});

/** The stages of the line, in its order. */
export const stageNames = [
  'generator',
  'collector',
  'archive',
  'classifier',
  'alerts',
  'schedule',
  'dashboard',
] as const;

/** What a stage reports of itself every 2 s. */
export const statusSchema = z
  .strictObject({
    stream: z.string(),
    stage: z.enum(stageNames),
    instance: z.string().describe('tells apart the members of one stage'),
    at: z.string().describe('RFC 3339'),
    counters: z.record(z.string(), z.number()).describe('totals since the stage started'),
    spool: z
      .strictObject({ records: z.number(), bytes: z.number(), oldestMs: z.number(), drainedPerSecond: z.number() })
      .optional(),
    model: z.strictObject({ name: z.string(), version: z.int(), challenger: z.int().optional() }).optional(),
    promotions: z
      .array(promotionSchema)
      .max(20)
      .optional()
      .describe('of a classifier: the last changes of the version that serves, oldest first'),
    latency: z.strictObject({ p50Ms: z.number(), p99Ms: z.number() }).optional().describe('from received to committed'),
    drift: driftSchema.optional(),
    unknownFields: z
      .array(z.strictObject({ name: z.string(), count: z.int(), near: z.string().optional() }))
      .max(20)
      .optional()
      .describe('fields that devices sent and the stream does not know, and the known name that is near'),
    lag: z.number().optional().describe('records not yet taken, over all partitions'),
    lastError: z.strictObject({ at: z.string(), message: z.string() }).optional(),
  })
  .meta({ title: 'Status' });

export type Status = z.infer<typeof statusSchema>;

/** How often each stage reports, in milliseconds. */
export const statusEveryMs = 2_000;
