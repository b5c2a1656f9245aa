import { type Imputer, memoryless } from './imputer.ts';

/**
 * Rows are series: `length` samples of each channel. A gap becomes a straight line between the values around it, at an end the value
 * beside it. A channel with no value gets the columns' own `fill`.
 */
export function openLinear({ length, fill }: { readonly length: number; readonly fill: readonly number[] }): Imputer {
  return {
    memoryMs: 0,
    draws: 0,
    open: () =>
      memoryless(({ count, width, values }, into) => {
        into.set(values.subarray(0, count * width));
        for (let from = 0; from < count * width; from += length) bridge(into, from, length, fill, from % width);
      }),
  };
}

function bridge(into: Float64Array, from: number, length: number, fill: readonly number[], column: number): void {
  let before = -1;
  for (let at = 0; at < length; at++) {
    const value = into[from + at]!;
    if (Number.isNaN(value)) continue;
    const missing = at - before - 1;
    if (missing > 0) {
      const start = before < 0 ? value : into[from + before]!;
      const slope = before < 0 ? 0 : (value - start) / (missing + 1);
      for (let index = 1; index <= missing; index++) into[from + before + index] = start + slope * index;
    }
    before = at;
  }
  if (before < 0) for (let at = 0; at < length; at++) into[from + at] = fill[column + at]!;
  else into.fill(into[from + before]!, from + before + 1, from + length);
}
