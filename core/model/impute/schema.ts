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

const byColumn = z.array(z.number()).min(1).describe('by field: what stands in for a gap');

/** A fitted imputer as it stands in `model.json`. */
export const fittedImputerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mean'), fill: byColumn }),
  z.strictObject({ kind: z.literal('median'), fill: byColumn }),
  z.strictObject({ kind: z.literal('most_frequent'), fill: byColumn }),
  z.strictObject({ kind: z.literal('constant'), fill: byColumn }),
  z.strictObject({
    kind: z.literal('last'),
    fill: byColumn.describe('by field: what stands in where nothing is remembered'),
    maxAgeMs: z.number().positive().max(1e12).describe('an older value is not used'),
  }),
  z
    .strictObject({
      kind: z.literal('gaussian'),
      fill: byColumn.describe('by field: what stands in where nothing of a row is known'),
      transforms: z.array(transformSchema).describe('by field: a map to something more like a normal distribution'),
      center: byColumn.describe('by field: mean of the mapped values'),
      spread: z.array(z.number().positive()).describe('by field: their standard deviation'),
      mean: byColumn.describe('by field: mean of the mapped and standardised values'),
      precision: z.array(z.number()).describe('lower triangle, row by row, of the inverse of their covariance'),
      draws: z.int().min(0).max(100).describe('plausible completions of a row; 0 for the likeliest one only'),
    })
    .refine(({ fill, transforms, center, spread, mean, precision }) => {
      const width = fill.length;
      const columns = [transforms, center, spread, mean].every((each) => each.length === width);
      return columns && precision.length === (width * (width + 1)) / 2;
    }, 'its parts are not of the same number of fields'),
]);

export type FittedImputer = z.infer<typeof fittedImputerSchema>;
