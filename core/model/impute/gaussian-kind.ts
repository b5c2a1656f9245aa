import { z } from 'zod';
import { fitGaussian, openGaussian } from './gaussian.ts';
import { imputerKind } from './imputer-kind.ts';
import { byColumn, type TransformKind, transformSchema } from './schema.ts';

export const gaussian = imputerKind({
  kind: 'gaussian',
  settings: {
    transform: z
      .enum(['none', 'log1p', 'quantile'])
      .default('log1p')
      .describe(
        'what `imputer: gaussian` and `neighbours` do with each column first, to make it more like a normal distribution',
      ),
    draws: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe(
        'with `imputer: gaussian`: as many plausible completions of a row are predicted and averaged; 0: the likeliest one',
      ),
  },
  options: ({ transform, draws }): { readonly transform?: TransformKind; readonly draws?: number } => ({
    transform,
    draws,
  }),
  fitted: z
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
  fit: (table, options) => ({ kind: 'gaussian', ...fitGaussian(table, { transform: 'log1p', draws: 0, ...options }) }),
  open: openGaussian,
  tested: [{ transform: 'none' }, { transform: 'log1p' }, { transform: 'quantile', draws: 3 }],
});
