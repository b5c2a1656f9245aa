import { Arena, bytesOf } from '../../numeric/arena.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';

export interface ColumnShape {
  readonly count: number;
  readonly width: number;
  /** Bits of a code that hold the class; 0 in regression. */
  readonly shift: number;
  /** The bin of gaps, one above the last bin of values. */
  readonly gapBin: number;
}

/**
 * Columns cut into bins, so that a split is searched by counting instead of sorting. A column with fewer distinct
 * values than bins loses nothing; others are cut at their quantiles.
 *
 * A cell's code is `bin << shift | class`: one addition to a histogram counts both.
 */
export interface BinnedColumns extends ColumnShape {
  /** Where all of it lies, from the first byte on. What follows is the threads' own. */
  readonly memory: WebAssembly.Memory;
  /** By column: 1 where it has gaps. */
  readonly gaps: Uint8Array;
  /** Column-major, `width * count`. */
  readonly codes: Uint16Array;
  /** The same row-major, for taking whole rows. */
  readonly rowCodes: Uint16Array;
  /** Smallest and largest value of each bin, `width * gapBin`. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

const mostBins = 256;
const codeBits = 16;
/** Where there are more than twice as many rows, quantiles are taken of so many. */
const sampleRows = 1 << 14;
/** Columns copied at once: as many numbers as the processor loads together. */
const blockColumns = 8;
/** More leave too few bins in a code. */
export const mostClasses = 1 << 12;

export function columnShape(count: number, width: number, classes: number): ColumnShape {
  const shift = classes <= 1 ? 0 : 32 - Math.clz32(classes - 1);
  return { count, width, shift, gapBin: Math.min(mostBins, 1 << (codeBits - shift)) - 1 };
}

/** Bytes of memory that the columns take. */
export function columnBytes({ count, width, gapBin }: ColumnShape): number {
  const codes = [Uint16Array, count * width] as const;
  const edges = [Float64Array, width * gapBin] as const;
  return bytesOf([Uint8Array, width], codes, codes, edges, edges);
}

/** Cuts the columns of `values` (row-major, NaN a gap) into `memory`. `labels` is absent in regression. */
export function binColumns(
  memory: WebAssembly.Memory,
  shape: ColumnShape,
  values: Float64Array,
  labels?: Int32Array,
): BinnedColumns {
  const { count, width, gapBin } = shape;
  const arena = new Arena(memory, 0);
  const binned: BinnedColumns = {
    ...shape,
    memory,
    gaps: arena.take(Uint8Array, width),
    codes: arena.take(Uint16Array, count * width),
    rowCodes: arena.take(Uint16Array, count * width),
    lowest: arena.take(Float64Array, width * gapBin),
    highest: arena.take(Float64Array, width * gapBin),
  };
  const block = new Float64Array(count * blockColumns);
  for (let from = 0; from < width; from += blockColumns) {
    const columns = Math.min(blockColumns, width - from);
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < columns; column++)
        block[column * count + row] = values[row * width + from + column]!;
    }
    for (let column = 0; column < columns; column++) {
      binColumn(block.subarray(column * count, (column + 1) * count), from + column, binned, labels);
    }
  }
  transpose(binned);
  return binned;
}

function binColumn(column: Float64Array, feature: number, binned: BinnedColumns, labels?: Int32Array): void {
  const { count, gapBin, shift, codes, gaps, lowest, highest } = binned;
  const edges = cut(sampleOf(column), gapBin);
  const bins = feature * gapBin;
  lowest.fill(Infinity, bins, bins + gapBin);
  highest.fill(-Infinity, bins, bins + gapBin);
  for (let row = 0, at = feature * count; row < count; row++, at++) {
    const value = column[row]!;
    const bin = Number.isNaN(value) ? gapBin : lastAtMost(edges, value);
    codes[at] = (bin << shift) | (labels ? labels[row]! : 0);
    if (bin === gapBin) {
      gaps[feature] = 1;
      continue;
    }
    if (value < lowest[bins + bin]!) lowest[bins + bin] = value;
    if (value > highest[bins + bin]!) highest[bins + bin] = value;
  }
}

/** The column's values in order: all of them where there are few or few different ones, otherwise of rows at random. */
function sampleOf(column: Float64Array): Float64Array {
  if (column.length <= sampleRows * 2) return column.toSorted();
  const random = new Xoshiro128PlusPlus(column.length);
  const sample = Float64Array.from({ length: sampleRows }, () => column[random.below(column.length)]!).sort();
  return distinctIn(sample) < mostBins ? column.toSorted() : sample;
}

function distinctIn(sorted: Float64Array): number {
  let distinct = 0;
  for (let at = 0; at < sorted.length; at++) if (at === 0 || sorted[at] !== sorted[at - 1]) distinct++;
  return distinct;
}

/** The smallest value of each bin, from a column's values in order (NaN last). */
function cut(sorted: Float64Array, most: number): Float64Array {
  let known = sorted.length;
  while (known > 0 && Number.isNaN(sorted[known - 1])) known--;
  const exact = distinctIn(sorted.subarray(0, known)) <= most;
  const edges: number[] = [];
  let size = 0;
  let closed = 0;
  for (let from = 0; from < known; ) {
    let to = from + 1;
    while (to < known && sorted[to] === sorted[from]) to++;
    // A bin takes its share of the rows that are left, to the nearest run of equal values.
    const share = exact ? 0 : (known - closed) / (most + 1 - edges.length);
    if (size === 0 || size + (to - from) / 2 > share) {
      edges.push(sorted[from]!);
      closed = from;
      size = 0;
    }
    size += to - from;
    from = to;
  }
  return Float64Array.from(edges);
}

/** Index of the last of the ascending edges that is at most the value; 0 if none is. */
function lastAtMost(edges: Float64Array, value: number): number {
  let from = 0;
  for (let to = edges.length - 1; from < to; ) {
    const middle = (from + to + 1) >> 1;
    if (edges[middle]! <= value) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** Row-major from column-major, some rows at a time so that they stay near the processor. */
function transpose({ count, width, codes, rowCodes }: BinnedColumns): void {
  for (let from = 0; from < count; from += 512) {
    const to = Math.min(count, from + 512);
    for (let feature = 0; feature < width; feature++) {
      for (let row = from; row < to; row++) rowCodes[row * width + feature] = codes[feature * count + row]!;
    }
  }
}
