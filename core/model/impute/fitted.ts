import type { Table } from '../rows.ts';
import { fitGaussian, openGaussian } from './gaussian.ts';
import type { Imputer } from './imputer.ts';
import { openLast } from './last.ts';
import type { FittedImputer, TransformKind } from './schema.ts';
import { fitSimple, openSimple } from './simple.ts';

/** Which imputer is to be fitted, and its options. */
export type ImputerSpec =
  | { readonly kind: 'mean' | 'median' | 'most_frequent' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'last'; readonly maxAgeMs?: number }
  | { readonly kind: 'gaussian'; readonly transform?: TransformKind; readonly draws?: number };

/** How old a value may be that fills a gap, by default: one hour. */
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

/** Opens a fitted imputer for use. */
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
