import type { Table } from '../rows.ts';

/** The values of a column that were measured, in the order of the rows. */
export function measured({ count, width, values }: Table, column: number): Float64Array {
  const kept = new Float64Array(count);
  let length = 0;
  for (let at = column; at < count * width; at += width) {
    const value = values[at]!;
    if (!Number.isNaN(value)) kept[length++] = value;
  }
  return kept.subarray(0, length);
}
