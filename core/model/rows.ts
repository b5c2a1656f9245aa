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
