import { readFileSync } from 'node:fs';
import type { Rows } from '../../core/model/rows.ts';

/** Hours of each stay. */
const hours = 48;
/** The number of the stay's record, which is no measurement. */
const recordColumn = 27;
const hourNs = 3_600_000_000_000n;
const startNs = 1_700_000_000n * 1_000_000_000n;

/**
 * Reads the stays in intensive care of imputegap's data set: rows of numbers and NaN, one an hour. Columns in which nothing differs are left
 * out. They have no names; `c14` is the one at place 14.
 */
export function readStays(file: string): Rows & { readonly names: readonly string[] } {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const all = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const columns = Array.from({ length: all[0]?.length ?? 0 }, (_, column) => column).filter(
    (column) => column !== recordColumn && new Set(all.map((row) => row[column])).size > 2,
  );
  const values = new Float64Array(all.length * columns.length);
  for (const [row, cells] of all.entries())
    for (const [at, column] of columns.entries()) values[row * columns.length + at] = cells[column] ?? Number.NaN;
  return {
    ...{ count: all.length, width: columns.length, values },
    names: columns.map((column) => `c${column}`),
    devices: all.map((_, row) => `stay-${Math.floor(row / hours)}`),
    times: BigInt64Array.from(all, (_, row) => startNs + BigInt(row % hours) * hourNs),
  };
}
