import { elementAt } from '../numeric/element.ts';

/** Rows to learn from, row-major: `values[row * width + column]`, where NaN is a gap. */
export interface Table {
  readonly count: number;
  readonly width: number;
  readonly values: Float64Array;
}

/** Rows to be labelled, row-major: `values[row * width + column]`, where NaN is a gap. */
export interface Rows {
  readonly count: number;
  readonly width: number;
  /** Length `count * width`. */
  readonly values: Float64Array;
  /** One a row; imputers that remember do so by device. */
  readonly devices: readonly string[];
  /** Nanoseconds since the epoch, one a row. */
  readonly times: BigInt64Array;
}

/** Some of the rows, in the order given. */
export function pickRows({ width, values, devices, times }: Rows, chosen: readonly number[]): Rows {
  const picked = new Float64Array(chosen.length * width);
  for (const [to, row] of chosen.entries()) picked.set(values.subarray(row * width, (row + 1) * width), to * width);
  return {
    count: chosen.length,
    width,
    values: picked,
    devices: chosen.map((row) => elementAt(devices, row)),
    times: BigInt64Array.from(chosen, (row) => elementAt(times, row)),
  };
}
