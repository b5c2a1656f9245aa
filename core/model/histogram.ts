import { elementAt } from '../numeric/element.ts';
import type { FieldHistogram } from './histogram-schema.ts';
import { measured } from './impute/column.ts';
import type { Table } from './rows.ts';

/** How many bins a column is cut into, at most: as many as the population stability index is commonly taken over. */
const bins = 10;

/**
 * How each column is spread: bins of about equally many training rows, fewer where values are the same. What drift is measured
 * against. A column that was never measured has one empty bin.
 * @param span - so many neighbouring columns are one: the samples of a channel
 */
export function histogramsOf(table: Table, span = 1): FieldHistogram[] {
  return Array.from({ length: table.width / span }, (_, index) =>
    histogramOf(valuesOf(table, index, span), table.count * span),
  );
}

function valuesOf(table: Table, index: number, span: number): Float64Array {
  if (span === 1) return measured(table, index);
  const { count, width, values } = table;
  const all = new Float64Array(count * span);
  for (let row = 0; row < count; row++)
    all.set(values.subarray(row * width + index * span, row * width + (index + 1) * span), row * span);
  return all.filter((value) => !Number.isNaN(value));
}

function histogramOf(values: Float64Array, count: number): FieldHistogram {
  const sorted = values.sort();
  const { length } = sorted;
  const gaps = count - length;
  if (length === 0) return { min: 0, max: 0, edges: [], counts: [0], gaps };
  // JSON knows no negative zero.
  const [min, max] = [elementAt(sorted, 0) + 0, elementAt(sorted, length - 1) + 0];
  const edges: number[] = [];
  for (let bin = 1; bin < bins; bin++) {
    const edge = elementAt(sorted, Math.floor((bin * length) / bins)) + 0;
    if (edge > (edges.at(-1) ?? min)) edges.push(edge);
  }
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of sorted) counts[binOf(edges, value)]! += 1;
  return { min, max, edges, counts, gaps };
}

/** The bin that a value falls into: how many edges are not above it. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
