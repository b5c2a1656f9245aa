import type { PageBytes } from './page-bytes.ts';

/** Differences of a block and of its parts, each of which has a width of its own. */
const blockSize = 128;
const partSize = 32;
const partsPerBlock = blockSize / partSize;
const word = 2 ** 32;

/** Times by their two halves: arithmetic of 64 bits makes an object of each number. */
function halves(times: BigInt64Array) {
  const { buffer, byteOffset, length } = times;
  return { low: new Uint32Array(buffer, byteOffset, 2 * length), high: new Int32Array(buffer, byteOffset, 2 * length) };
}

/** Times of an even rate as `DELTA_BINARY_PACKED`: they take next to nothing. */
export function writeEven({ length }: BigInt64Array, first: bigint, step: bigint, into: PageBytes): void {
  writeHead(length, first, into);
  const from = into.length;
  into.zigZag(step);
  // The widths of differences from the least one, which are none.
  for (let part = 0; part < partsPerBlock; part += 1) into.byte(0);
  into.repeat(from, Math.ceil((length - 1) / blockSize));
}

function writeHead(count: number, first: bigint, into: PageBytes): void {
  for (const value of [blockSize, partsPerBlock, count]) into.varInt(value);
  into.zigZag(first);
}

/**
 * Writes times as `DELTA_BINARY_PACKED`.
 * @returns false where their differences differ too much for that: what was written is of no use then
 */
export function writeDeltas(times: BigInt64Array, into: PageBytes): boolean {
  const count = times.length;
  const { low, high } = halves(times);
  const deltas = new Float64Array(blockSize);
  writeHead(count, times[0] ?? 0n, into);
  for (let from = 1; from < count; from += blockSize) {
    const size = Math.min(blockSize, count - from);
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < size; index += 1) {
      const at = 2 * (from + index);
      const delta = (high[at + 1]! - high[at - 1]!) * word + (low[at]! - low[at - 2]!);
      deltas[index] = delta;
      if (delta < least) least = delta;
      if (delta > most) most = delta;
    }
    // Such a large difference is not exact, either.
    if (most - least >= word || !Number.isSafeInteger(least)) return false;
    into.zigZag(BigInt(least));
    writeBlock(deltas, { size, least, isEven: least === most }, into);
  }
  return true;
}

const above = new Uint32Array(blockSize);

function writeBlock(
  deltas: Float64Array,
  { size, least, isEven }: { readonly size: number; readonly least: number; readonly isEven: boolean },
  into: PageBytes,
): void {
  const widths = [0, 0, 0, 0];
  if (!isEven) {
    above.fill(0);
    for (let index = 0; index < size; index += 1) above[index] = deltas[index]! - least;
    for (const part of widths.keys()) widths[part] = widthOf(above.subarray(part * partSize, (part + 1) * partSize));
  }
  for (const width of widths) into.byte(width);
  for (const [part, width] of widths.entries())
    if (width > 0) into.packed(above, part * partSize, (part + 1) * partSize, width);
}

function widthOf(values: Uint32Array): number {
  let bits = 0;
  for (const value of values) bits |= value;
  return 32 - Math.clz32(bits);
}

/**
 * The first and the last of times, in whatever order they are.
 * @param step - from each to the next, where that is known
 */
export function boundsOf(times: BigInt64Array, step = -1n): { readonly first: bigint; readonly last: bigint } {
  let [first = 0n, last = 0n] = [times[0], times.at(-1)];
  if (step >= 0n || isInOrder(times)) return { first, last };
  for (const time of times) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return { first, last };
}

function isInOrder(times: BigInt64Array): boolean {
  const { low, high } = halves(times);
  for (let at = 2; at < low.length; at += 2) {
    const upper = high[at + 1]!;
    const upperBefore = high[at - 1]!;
    if (upper < upperBefore || (upper === upperBefore && low[at]! < low[at - 2]!)) return false;
  }
  return true;
}
