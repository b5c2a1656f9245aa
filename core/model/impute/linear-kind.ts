import { z } from 'zod';
import { imputerKind } from './imputer-kind.ts';
import { openLinear } from './linear.ts';
import { byColumn } from './schema.ts';
import { fitSimple } from './simple.ts';

export const linear = imputerKind({
  kind: 'linear',
  settings: {},
  options: (): { readonly length?: number } => ({}),
  fitted: z.strictObject({
    kind: z.literal('linear'),
    length: z.int().min(1).describe('samples of a channel: so many neighbouring columns are one series'),
    fill: byColumn.describe('by field: what stands in where a whole channel is missing'),
  }),
  fit: (table, { length = table.width }) => ({ kind: 'linear', length, fill: fitSimple(table, 'mean') }),
  open: openLinear,
  tested: [{}, { length: 1 }],
});
