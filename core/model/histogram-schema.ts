import { z } from 'zod';

const count = z.int().min(0);

/** How one field of the training data was spread, as it stands in `model.json`. */
export const histogramSchema = z.strictObject({
  min: z.number(),
  max: z.number(),
  edges: z.array(z.number()).describe('ascending; bin i holds edges[i-1] <= x < edges[i], the first and last are open'),
  counts: z.array(count).min(1).describe('one more than edges'),
  gaps: count,
});

export type FieldHistogram = z.infer<typeof histogramSchema>;
