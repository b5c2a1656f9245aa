import { elementAt } from '../numeric/element.ts';
import { mulberry32 } from '../numeric/random/mulberry32.ts';
import type { Dataset } from './dataset.ts';

/** The rows of a data set that are given, in that order. Classes stay as they are. */
export function rowsOf(dataset: Dataset, rows: Int32Array): Dataset {
  const { width, devices, times, segments } = dataset;
  const values = new Float64Array(rows.length * width);
  for (let to = 0; to < rows.length; to++) {
    const from = elementAt(rows, to) * width;
    values.set(dataset.values.subarray(from, from + width), to * width);
  }
  return {
    ...dataset,
    count: rows.length,
    values,
    labels: rows.map((row) => elementAt(dataset.labels, row)),
    ...(devices && { devices: { names: devices.names, index: rows.map((row) => elementAt(devices.index, row)) } }),
    ...(times && { times: BigInt64Array.from(rows, (row) => elementAt(times, row)) }),
    ...(segments && { segments: Uint8Array.from(rows, (row) => elementAt(segments, row)) }),
  };
}

/** An even sample of rows, ascending, the same each time. Source: Vitter (1984), selection sampling (Knuth's algorithm S). */
export function sampleRows(count: number, most: number): Int32Array {
  if (count <= most) return Int32Array.from({ length: count }, (_, row) => row);
  const random = mulberry32(1);
  const rows = new Int32Array(most);
  let taken = 0;
  for (let row = 0; taken < most; row++) if (random() * (count - row) < most - taken) rows[taken++] = row;
  return rows;
}
