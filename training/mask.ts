import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import type { LabelledRows } from './rows.ts';

/** The rows with values masked: each by itself, with the same probability (missing completely at random). */
export function maskValues<R extends Pick<LabelledRows, 'values'>>(rows: R, rate: number, seed: number): R {
  const random = mulberry32(seed);
  return { ...rows, values: rows.values.map((value) => (random() < rate ? Number.NaN : value)) };
}
