import type { BinnedColumns } from './bins.ts';
import type { Random } from './random.ts';

/** Codes to look at, column-major: all rows', or a copy of a few rows' that lie close together. */
export interface Cells {
  readonly codes: Uint16Array;
  /** From a column to the next. */
  readonly stride: number;
}

/** The best split of a node. */
export interface BestSplit {
  readonly feature: number;
  /** The last bin that goes left, and the first that goes right and is not empty. */
  readonly bin: number;
  readonly nextBin: number;
  /** Where between those two the threshold lies, 0 to 1. */
  readonly place: number;
  /** Of the rows whose value is no gap, how many go left. */
  readonly leftShare: number;
  /** How much it lowers the node's impurity. */
  readonly gain: number;
}

/** Searches a node's columns for the split that lowers the impurity most. One for classes, one for values. */
export interface SplitSearch {
  /** Length of a leaf's value. */
  readonly outputs: number;
  /** Whether it looks things up by row: then samples must stay numbers of rows. */
  readonly byRow: boolean;
  /** Training weight of the current node. */
  readonly weight: number;
  /** Turns to a node, whose rows in `cells` are `samples[start…end)`. Says whether there is anything left to split. */
  begin(cells: Cells, start: number, end: number): boolean;
  /** Tries a column. False if it is constant in this node, gaps aside. */
  tryColumn(feature: number, random: Random): boolean;
  /** The best of the columns tried since `begin`, if any can be split. */
  best(): BestSplit | undefined;
  /** Writes the current node's distribution or mean. */
  writeValue(out: Float64Array, at: number): void;
}

/** The one place at which an extra tree may cut a column: before the seen bin `bin`. */
export interface RandomCut {
  bin: number;
  /** Of the way from the highest value before to the lowest value after, 0 to 1. */
  place: number;
}

/**
 * Draws a threshold evenly from a column's range in the node and finds the seen bin that it parts from the one before.
 * A bin that the threshold falls into goes where its middle lies.
 */
export function drawCut(
  columns: BinnedColumns,
  feature: number,
  seen: Uint8Array,
  fraction: number,
  cut: RandomCut,
): void {
  const { lowest, highest, gapBin } = columns;
  const base = feature * gapBin;
  let before = seen.indexOf(1);
  const last = seen.lastIndexOf(1, gapBin - 1);
  const threshold = highest[base + before]! * (1 - fraction) + lowest[base + last]! * fraction;
  let bin = seen.indexOf(1, before + 1);
  while (bin < last && lowest[base + bin]! / 2 + highest[base + bin]! / 2 <= threshold) {
    before = bin;
    bin = seen.indexOf(1, bin + 1);
  }
  const gap = lowest[base + bin]! - highest[base + before]!;
  cut.bin = bin;
  cut.place = Math.min(1, Math.max(0, (threshold - highest[base + before]!) / gap));
}
