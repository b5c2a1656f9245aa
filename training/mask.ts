import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import type { LabelledRows } from './rows.ts';

/** The rows with more gaps: each value goes missing by itself, with the same chance (missing completely at random). */
export function punch<R extends Pick<LabelledRows, 'values'>>(rows: R, rate: number, seed: number): R {
  const random = mulberry32(seed);
  return { ...rows, values: rows.values.map((value) => (random() < rate ? Number.NaN : value)) };
}
