import { z } from 'zod';

/** Monotone maps of one column to something more like a normal distribution, and back. */
export const transformSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none'), min: z.number(), max: z.number() }),
  z.strictObject({
    kind: z.literal('log1p'),
    min: z.number(),
    max: z.number(),
    scale: z.number().positive().describe('z = log1p(scale * (x - min))'),
  }),
  z
    .strictObject({
      kind: z.literal('quantile'),
      from: z.array(z.number()).min(1).describe('ascending values of the training data'),
      to: z.array(z.number()).min(1).describe('their normal scores, ascending; straight lines in between'),
    })
    .refine(({ from, to }) => from.length === to.length, 'from and to must be equally many'),
]);

export type FittedTransform = z.infer<typeof transformSchema>;
export type TransformKind = FittedTransform['kind'];

/** One number for each column. */
export const byColumn = z.array(z.number()).min(1).describe('by field: what stands in for a gap');
