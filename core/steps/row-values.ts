import type { StepRows } from './port.ts';

/** How many values a row has, whether they stand row after row or by column. */
const widthOf = ({ count, columns, values }: StepRows): number =>
  values ? values.length / Math.max(1, count) : columns.length;

/** The values of one row. */
export function valuesAt(given: StepRows, row: number): Float64Array {
  const { columns, values } = given;
  if (!values) return Float64Array.from(columns, (column) => column[row] ?? Number.NaN);
  const width = widthOf(given);
  return values.slice(row * width, (row + 1) * width);
}

/** The same rows by column, for a step that does not take them row after row. @param width - of a row, also where there is none */
export function byColumn(given: StepRows, width: number): StepRows {
  const { values, count, ...rest } = given;
  if (!values) return given;
  const columns = Array.from({ length: width }, (_, column) =>
    Float64Array.from({ length: count }, (__, row) => values[row * width + column]!),
  );
  return { ...rest, count, columns };
}

/** The values of some rows, one row after the other. Where all rows are wanted and stand so, they are not copied. */
export function valuesOf(given: StepRows, wanted: ArrayLike<number>): { readonly width: number; values: Float64Array } {
  const { columns, values: rows } = given;
  const width = widthOf(given);
  if (rows && isWhole(wanted, given.count)) return { width, values: rows };
  const values = new Float64Array(wanted.length * width);
  for (let to = 0; rows && to < wanted.length; to++) {
    const from = wanted[to]! * width;
    values.set(rows.subarray(from, from + width), to * width);
  }
  for (const [column, from] of columns.entries())
    for (let to = 0; to < wanted.length; to++) values[to * width + column] = from[wanted[to]!]!;
  return { width, values };
}

function isWhole(rows: ArrayLike<number>, count: number): boolean {
  for (let at = 0; at < rows.length; at++) if (rows[at] !== at) return false;
  return rows.length === count;
}
