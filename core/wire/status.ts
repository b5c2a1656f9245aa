import { z } from 'zod';

/** What a stage says of itself every 2 s. */
export const statusSchema = z
  .strictObject({
    stream: z.string(),
    stage: z.enum(['generator', 'collector', 'archive', 'classifier', 'dashboard']),
    instance: z.string().describe('tells apart the members of one stage'),
    at: z.string().describe('RFC 3339'),
    counters: z.record(z.string(), z.number()).describe('totals since the stage started'),
    spool: z
      .strictObject({ records: z.number(), bytes: z.number(), oldestMs: z.number(), drainedPerSecond: z.number() })
      .optional(),
    model: z.strictObject({ name: z.string(), version: z.int(), challenger: z.int().optional() }).optional(),
    latency: z.strictObject({ p50Ms: z.number(), p99Ms: z.number() }).optional().describe('from received to committed'),
    lag: z.number().optional().describe('records not yet taken, over all partitions'),
    lastError: z.strictObject({ at: z.string(), message: z.string() }).optional(),
  })
  .meta({ title: 'Status' });

export type Status = z.infer<typeof statusSchema>;

/** How often each stage reports, in milliseconds. */
export const statusEveryMs = 2_000;
