/**
 * Index, counted from `from`, of the greatest of `length` values; of equals the first. A NaN is never greater than what stands
 * before it.
 */
export function argmax(values: Float64Array, from = 0, length = values.length): number {
  let best = 0;
  for (let at = 1; at < length; at++) if (values[from + at]! > values[from + best]!) best = at;
  return best;
}
