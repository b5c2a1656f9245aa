import { z } from 'zod';

const rate = z.number().min(0).max(10_000_000).describe('readings a second in all; 0 is as fast as they are taken');

/** What the control endpoint of a generator takes: what is left out stays as it is. */
export const generatorControlSchema = z.strictObject({
  running: z.boolean().optional().describe('false stops it; true starts it where it stopped'),
  rate: rate.optional(),
});
export type GeneratorControl = z.infer<typeof generatorControlSchema>;

/** What it answers. */
export const generatorStateSchema = z
  .strictObject({
    running: z.boolean(),
    rate,
    accepted: z.int().min(0).describe('readings that the collector took since the process started'),
  })
  .meta({ title: 'GeneratorState' });
export type GeneratorState = z.infer<typeof generatorStateSchema>;
