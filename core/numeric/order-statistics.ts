/** Parts of no more values are sorted. */
const few = 24;

/**
 * Moves values so that at each of the wanted places stands what would stand there if all were sorted: in time that grows with the number
 * of values, not with that of comparisons that a sort needs.
 * @param values - no NaN
 * @param places - ascending
 */
export function placeOrderStatistics(values: Float32Array, places: readonly number[]): void {
  place(values, 0, values.length, places, 0, places.length);
}

function place(
  values: Float32Array,
  from: number,
  to: number,
  places: readonly number[],
  first: number,
  last: number,
): void {
  while (first < last) {
    if (to - from <= few) {
      sort(values, from, to);
      return;
    }
    const middle = split(values, from, to);
    let next = first;
    while (next < last && places[next]! < middle) next++;
    place(values, from, middle, places, first, next);
    from = middle;
    first = next;
  }
}

/** Brings values that are not above a median of three to the front, and returns where the others begin; no part is empty. */
function split(values: Float32Array, from: number, to: number): number {
  const [a, b, c] = [values[from]!, values[(from + to) >> 1]!, values[to - 1]!];
  const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  let left = from;
  let right = to - 1;
  for (;;) {
    while (values[left]! < pivot) left++;
    while (values[right]! > pivot) right--;
    if (left >= right) break;
    const value = values[left]!;
    values[left++] = values[right]!;
    values[right--] = value;
  }
  // Where both stopped at one place it belongs to neither side yet; the front may not be all.
  const middle = left === right ? left + 1 : left;
  return middle === to ? to - 1 : middle;
}

function sort(values: Float32Array, from: number, to: number): void {
  for (let at = from + 1; at < to; at++) {
    const value = values[at]!;
    let hole = at;
    for (; hole > from && values[hole - 1]! > value; hole--) values[hole] = values[hole - 1]!;
    values[hole] = value;
  }
}
