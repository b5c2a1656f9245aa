/**
 * Columns cut into bins, so that a split is searched by counting instead of sorting. A column with fewer distinct
 * values than bins loses nothing; others are cut at their quantiles.
 *
 * A cell's code is `bin << shift | class`: one addition to a histogram counts both.
 */
export interface BinnedColumns {
  readonly count: number;
  readonly width: number;
  /** Bits of a code that hold the class; 0 in regression. */
  readonly shift: number;
  /** The bin of gaps, one above the last bin of values. */
  readonly gapBin: number;
  /** Column-major, `width * count`. */
  readonly codes: Uint16Array;
  /** Smallest and largest value of each bin, `width * gapBin`. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
}

const mostBins = 256;
const codeBits = 16;

/** Bits needed for the class in a code. */
export function classBits(classes: number): number {
  return classes <= 1 ? 0 : 32 - Math.clz32(classes - 1);
}

/** `values` is row-major, NaN a gap. `labels` is absent in regression. The result lies in shared memory. */
export function binColumns(
  values: Float64Array,
  count: number,
  width: number,
  labels?: Int32Array,
  classes = 1,
): BinnedColumns {
  const shift = classBits(classes);
  const gapBin = Math.min(mostBins, 1 << (codeBits - shift)) - 1;
  const binned: BinnedColumns = {
    count,
    width,
    shift,
    gapBin,
    codes: new Uint16Array(new SharedArrayBuffer(count * width * 2)),
    lowest: new Float64Array(new SharedArrayBuffer(width * gapBin * 8)),
    highest: new Float64Array(new SharedArrayBuffer(width * gapBin * 8)),
  };
  const column = new Float64Array(count);
  const sorted = new Float64Array(count);
  for (let feature = 0; feature < width; feature++) {
    for (let row = 0, at = feature; row < count; row++, at += width) column[row] = values[at]!;
    sorted.set(column);
    sorted.sort();
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
  { count, gapBin, shift, codes, lowest }: BinnedColumns,
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
    codes[base + row] = (bin << shift) | (labels ? labels[row]! : 0);
  }
}
