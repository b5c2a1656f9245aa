import type { Table } from '../rows.ts';
import { measured } from './column.ts';
import type { FittedTransform, TransformKind } from './schema.ts';

/** A column's map, opened. `back` never leaves the range of the training data. */
export interface Transform {
  there(value: number): number;
  back(value: number): number;
}

/** Straight lines between at most so many points describe a column. */
const maxKnots = 200;

/** The logarithm of the largest double: what lies beyond it is drawn in to it. */
const largestLog = 709;

/** Learns the map of each column. */
export function fitTransforms(table: Table, kind: TransformKind): FittedTransform[] {
  return Array.from({ length: table.width }, (_, column) => {
    const sorted = measured(table, column).sort();
    // A column that was never measured is taken for a constant zero.
    const values = sorted.length === 0 ? new Float64Array(1) : sorted;
    return kind === 'quantile' ? fitQuantile(values) : fitRange(values, kind);
  });
}

function fitRange(sorted: Float64Array, kind: 'none' | 'log1p'): FittedTransform {
  const [min, max] = [sorted[0]! + 0, sorted.at(-1)! + 0];
  if (kind === 'none' || max === min) return { kind: 'none', min, max };
  return { kind: 'log1p', min, max, scale: scaleOf(sorted, min) };
}

/** So that half of the values above the least one lie beyond z = log 6: a long tail is drawn in, small differences stay. */
function scaleOf(sorted: Float64Array, min: number): number {
  const above = sorted.subarray(sorted.findIndex((value) => value > min));
  const scale = 5 / (above[above.length >> 1]! - min);
  return scale > 0 && Number.isFinite(scale) ? scale : 1;
}

/** Normal scores of the middle ranks; equal values share one. */
function fitQuantile(sorted: Float64Array): FittedTransform {
  const from: number[] = [];
  const to: number[] = [];
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && sorted[end] === sorted[start]) end += 1;
    from.push(sorted[start]! + 0);
    to.push(normalQuantile((start + end) / 2 / sorted.length));
  }
  if (from.length <= maxKnots) return { kind: 'quantile', from, to };
  const kept = Array.from({ length: maxKnots }, (_, knot) => Math.round((knot * (from.length - 1)) / (maxKnots - 1)));
  return { kind: 'quantile', from: kept.map((at) => from[at]!), to: kept.map((at) => to[at]!) };
}

/** Opens a fitted map for use. */
export function openTransform(fitted: FittedTransform): Transform {
  if (fitted.kind === 'quantile') {
    const { from, to } = fitted;
    return { there: (value) => interpolate(from, to, value), back: (value) => interpolate(to, from, value) };
  }
  const { min, max } = fitted;
  const clamp = (value: number): number => Math.min(max, Math.max(min, value));
  if (fitted.kind === 'none') return { there: (value) => value, back: clamp };
  const { scale } = fitted;
  return {
    there: (value) => Math.min(largestLog, Math.log1p(scale * Math.max(0, value - min))),
    back: (value) => clamp(min + Math.expm1(value) / scale),
  };
}

function interpolate(from: readonly number[], to: readonly number[], value: number): number {
  let low = 0;
  let high = from.length - 1;
  if (value <= from[low]!) return to[low]!;
  if (value >= from[high]!) return to[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle]! <= value) low = middle;
    else high = middle;
  }
  const [start, end] = [from[low]!, from[high]!];
  // Where the difference is beyond a double, half of it is not.
  const part = Number.isFinite(end - start) ? 1 : 0.5;
  const share = (value * part - start * part) / (end * part - start * part);
  return to[low]! * (1 - share) + to[high]! * share;
}

/**
 * The quantile function of the standard normal distribution, to 1.15e-9 relative.
 * Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003).
 */
export function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const polynomial = (coefficients: readonly number[], x: number) =>
    coefficients.reduce((sum, each) => sum * x + each, 0);
  if (p > 0.97575) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / polynomial(d, q);
  }
  const q = p - 0.5;
  return (q * polynomial(a, q * q)) / polynomial(b, q * q);
}
