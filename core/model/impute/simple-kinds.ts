import { z } from 'zod';
import { imputerKind } from './imputer-kind.ts';
import { byColumn } from './schema.ts';
import { fitSimple, openSimple, type SimpleKind } from './simple.ts';

const statistic = <const Name extends SimpleKind>(kind: Name) =>
  imputerKind({
    kind,
    settings: {},
    options: () => ({}),
    fitted: z.strictObject({ kind: z.literal(kind), fill: byColumn }),
    fit: (table) => ({ kind, fill: fitSimple(table, kind) }),
    open: ({ fill }) => openSimple(fill),
    tested: [{}],
  });

export const mean = statistic('mean');
export const median = statistic('median');
export const mostFrequent = statistic('most_frequent');

export const constant = imputerKind({
  kind: 'constant',
  settings: { constant: z.number().default(0).describe('what `imputer: constant` fills with') },
  options: (settings): { readonly value: number } => ({ value: settings.constant }),
  fitted: z.strictObject({ kind: z.literal('constant'), fill: byColumn }),
  fit: ({ width }, { value }) => ({ kind: 'constant', fill: new Array<number>(width).fill(value) }),
  open: ({ fill }) => openSimple(fill),
  tested: [{ value: -3 }],
});
