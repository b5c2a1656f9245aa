import { z } from 'zod';
import type { Imputer, Table } from './imputer.ts';
import { openLast } from './last.ts';
import { fitSimple, openSimple } from './simple.ts';

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
]);

export type FittedImputer = z.infer<typeof fittedImputerSchema>;

/** Which imputer is to be fitted, and its options. */
export type ImputerSpec =
  | { readonly kind: 'mean' | 'median' | 'most_frequent' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'last'; readonly maxAgeMs?: number };

/** How old a value may be that stands in for a gap, where nobody said otherwise: one hour. */
export const defaultMaxAgeMs = 3_600_000;

/** Learns from rows with gaps what an imputer needs. The same rows give the same result. */
export function fitImputer(table: Table, spec: ImputerSpec): FittedImputer {
  switch (spec.kind) {
    case 'constant':
      return { kind: 'constant', fill: new Array<number>(table.width).fill(spec.value) };
    case 'last':
      return { kind: 'last', fill: fitSimple(table, 'mean'), maxAgeMs: spec.maxAgeMs ?? defaultMaxAgeMs };
    default:
      return { kind: spec.kind, fill: fitSimple(table, spec.kind) };
  }
}

/** Puts a fitted imputer to work. */
export function openImputer(fitted: FittedImputer): Imputer {
  return fitted.kind === 'last' ? openLast(fitted) : openSimple(fitted.fill);
}
