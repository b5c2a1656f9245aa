import { z } from 'zod';
import { imputerKind } from './imputer-kind.ts';
import { openLast } from './last.ts';
import { byColumn } from './schema.ts';
import { fitSimple } from './simple.ts';

/** How old a value may be that fills a gap, by default: one hour. */
const defaultMaxAgeSeconds = 3_600;

export const last = imputerKind({
  kind: 'last',
  settings: {
    maxAgeSeconds: z
      .number()
      .positive()
      .max(31_536_000)
      .default(defaultMaxAgeSeconds)
      .describe('how old a value may be that `imputer: last` fills with'),
  },
  options: ({ maxAgeSeconds }): { readonly maxAgeMs?: number } => ({ maxAgeMs: maxAgeSeconds * 1_000 }),
  fitted: z.strictObject({
    kind: z.literal('last'),
    fill: byColumn.describe('by field: what stands in where nothing is remembered'),
    maxAgeMs: z.number().positive().max(1e12).describe('an older value is not used'),
  }),
  fit: (table, { maxAgeMs = defaultMaxAgeSeconds * 1_000 }) => ({
    kind: 'last',
    fill: fitSimple(table, 'mean'),
    maxAgeMs,
  }),
  open: openLast,
  tested: [{}, { maxAgeMs: 1_000 }],
});
