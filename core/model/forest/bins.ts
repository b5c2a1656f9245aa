import { Arena, bytesOf } from './arena.ts';

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
  const column = new Float64Array(count);
  const sorted = new Float64Array(count);
  for (let feature = 0; feature < width; feature++) {
    for (let row = 0, at = feature; row < count; row++, at += width) column[row] = values[at]!;
    sorted.set(column);
    sorted.sort();
    if (Number.isNaN(sorted[count - 1])) binned.gaps[feature] = 1;
    const bins = cut(sorted, gapBin, feature * gapBin, binned);
    code(column, bins, feature, binned, labels);
  }
  return binned;
}

/** Fills in a column's bins from its sorted values (NaN last) and says how many there are. */
function cut(sorted: Float64Array, most: number, base: number, { lowest, highest }: BinnedColumns): number {
  let known = sorted.length;
  while (known > 0 && Number.isNaN(sorted[known - 1])) known--;
  let distinct = 0;
  for (let at = 0; at < known; at++) if (at === 0 || sorted[at] !== sorted[at - 1]) distinct++;
  const exact = distinct <= most;
  let bins = 0;
  let size = 0;
  let closed = 0;
  for (let from = 0; from < known; ) {
    let to = from + 1;
    while (to < known && sorted[to] === sorted[from]) to++;
    // A bin takes its share of the rows that are left, to the nearest run of equal values.
    const share = exact ? 0 : (known - closed) / (most - bins);
    if (size > 0 && size + (to - from) / 2 > share) {
      bins++;
      closed = from;
      size = 0;
    }
    if (size === 0) lowest[base + bins] = sorted[from]!;
    highest[base + bins] = sorted[from]!;
    size += to - from;
    from = to;
  }
  return size > 0 ? bins + 1 : bins;
}

function code(
  column: Float64Array,
  bins: number,
  feature: number,
  { count, width, gapBin, shift, codes, rowCodes, lowest }: BinnedColumns,
  labels?: Int32Array,
): void {
  const base = feature * count;
  const edges = lowest.subarray(feature * gapBin, feature * gapBin + bins);
  for (let row = 0; row < count; row++) {
    const value = column[row]!;
    let bin = gapBin;
    if (!Number.isNaN(value)) {
      let from = 0;
      for (let to = bins - 1; from < to; ) {
        const middle = (from + to + 1) >> 1;
        if (edges[middle]! <= value) from = middle;
        else to = middle - 1;
      }
      bin = from;
    }
    const code = (bin << shift) | (labels ? labels[row]! : 0);
    codes[base + row] = code;
    rowCodes[row * width + feature] = code;
  }
}
