import type { Table } from '../rows.ts';
import { measured } from './column.ts';
import { type Imputer, memoryless } from './imputer.ts';

/** Statistics that stand in for the gaps of a column, named as scikit-learn's `SimpleImputer` names its strategies. */
export type SimpleKind = 'mean' | 'median' | 'most_frequent';

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  if (Number.isFinite(sum)) return sum / values.length;
  // The sum is beyond a double though the mean is not.
  let scaled = 0;
  for (const value of values) scaled += value / values.length;
  return scaled;
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : sorted[middle - 1]! / 2 + sorted[middle]! / 2;
}

/** The commonest value; of equally common ones the smallest. */
function mostFrequent(values: Float64Array): number {
  const sorted = values.slice().sort();
  let best = sorted[0]!;
  let bestLength = 0;
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && sorted[end] === sorted[start]) end += 1;
    if (end - start > bestLength) {
      bestLength = end - start;
      best = sorted[start]!;
    }
  }
  return best;
}

const statistics: Record<SimpleKind, (values: Float64Array) => number> = { mean, median, most_frequent: mostFrequent };

/**
 * What stands in for a gap, by column. A column that was never measured gets 0, as `SimpleImputer(keep_empty_features=True)` does.
 * Source: scikit-learn, sklearn/impute/_base.py.
 */
export function fitSimple(table: Table, kind: SimpleKind): number[] {
  return Array.from({ length: table.width }, (_, column) => {
    const values = measured(table, column);
    // JSON knows no negative zero.
    return values.length === 0 ? 0 : statistics[kind](values) + 0;
  });
}

/** Fills each gap with its column's value. */
export function openSimple(fill: readonly number[]): Imputer {
  const byColumn = Float64Array.from(fill);
  const width = byColumn.length;
  const session = memoryless((rows, into) => {
    const { values, count } = rows;
    for (let start = 0; start < count * width; start += width) {
      for (let column = 0; column < width; column++) {
        const value = values[start + column]!;
        into[start + column] = Number.isNaN(value) ? byColumn[column]! : value;
      }
    }
  });
  return { memoryMs: 0, draws: 0, open: () => session };
}
