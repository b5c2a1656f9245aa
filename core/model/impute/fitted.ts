import { z } from 'zod';
import { fitGaussian, openGaussian } from './gaussian.ts';
import type { Imputer, Table } from './imputer.ts';
import { openLast } from './last.ts';
import { fitSimple, openSimple } from './simple.ts';
import { type TransformKind, transformSchema } from './transform.ts';

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

/** Which imputer is to be fitted, and its options. */
export type ImputerSpec =
  | { readonly kind: 'mean' | 'median' | 'most_frequent' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'last'; readonly maxAgeMs?: number }
  | { readonly kind: 'gaussian'; readonly transform?: TransformKind; readonly draws?: number };

/** How old a value may be that stands in for a gap, where nobody said otherwise: one hour. */
export const defaultMaxAgeMs = 3_600_000;

/** Learns from rows with gaps what an imputer needs. The same rows give the same result. */
export function fitImputer(table: Table, spec: ImputerSpec): FittedImputer {
  switch (spec.kind) {
    case 'constant':
      return { kind: 'constant', fill: new Array<number>(table.width).fill(spec.value) };
    case 'gaussian':
      return { kind: 'gaussian', ...fitGaussian(table, { transform: 'log1p', draws: 0, ...spec }) };
    case 'last':
      return { kind: 'last', fill: fitSimple(table, 'mean'), maxAgeMs: spec.maxAgeMs ?? defaultMaxAgeMs };
    default:
      return { kind: spec.kind, fill: fitSimple(table, spec.kind) };
  }
}

/** Puts a fitted imputer to work. */
export function openImputer(fitted: FittedImputer): Imputer {
  switch (fitted.kind) {
    case 'last':
      return openLast(fitted);
    case 'gaussian':
      return openGaussian(fitted);
    default:
      return openSimple(fitted.fill);
  }
}
