import type { BinnedColumns } from './bins.ts';
import type { Random } from './random.ts';
import { firstSeen, lastSeen, type SeenBins } from './seen-bins.ts';

/** Rows of a node are held as `row | draws << rowBits`: a bootstrap draws some rows more than once. */
export const rowBits = 27;
export const rowMask = (1 << rowBits) - 1;
export const mostDraws = (1 << (32 - rowBits)) - 1;

/** The best split of a node seen so far. Reset by `SplitSearch.begin`. */
export interface BestSplit {
  /** -1 while none was found. */
  feature: number;
  /** The last bin that goes left, and the first that goes right and is not empty. */
  bin: number;
  nextBin: number;
  /** Where between those two the threshold lies, 0 to 1. */
  place: number;
  /** What is maximised: the impurity decrease but for a constant of the node. */
  score: number;
}

/** Searches a node's columns for the split that lowers the impurity most. One for classes, one for values. */
export interface SplitSearch {
  readonly best: BestSplit;
  /** Length of a leaf's value. */
  readonly outputs: number;
  /** Turns to a node, whose rows are `samples[start…end)`. Says whether there is anything left to split. */
  begin(start: number, end: number): boolean;
  /** Tries a column. False if it is constant in this node, gaps aside. */
  tryColumn(feature: number, random: Random): boolean;
  /** Training weight of the current node. */
  weight(): number;
  /** Impurity decrease of `best` in the current node. */
  gain(): number;
  /** Writes the current node's distribution or mean. */
  writeValue(out: Float64Array, at: number): void;
}

export interface SplitOptions {
  readonly samples: Uint32Array;
  readonly columns: BinnedColumns;
  readonly minSamplesLeaf: number;
  /** One random threshold a column instead of the best of all. */
  readonly extraTrees: boolean;
}

/** The one place at which an extra tree may cut a column: between the seen bins `before` and `bin`. */
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
  { lowest, highest, gapBin }: BinnedColumns,
  feature: number,
  seen: SeenBins,
  fraction: number,
  cut: RandomCut,
): void {
  const base = feature * gapBin;
  let before = firstSeen(seen);
  const last = lastSeen(seen);
  const from = highest[base + before]!;
  const threshold = from * (1 - fraction) + lowest[base + last]! * fraction;
  let bin = firstSeen(seen, before + 1);
  while (bin < last && lowest[base + bin]! / 2 + highest[base + bin]! / 2 <= threshold) {
    before = bin;
    bin = firstSeen(seen, bin + 1);
  }
  const gap = lowest[base + bin]! - highest[base + before]!;
  cut.bin = bin;
  cut.place = Math.min(1, Math.max(0, (threshold - highest[base + before]!) / gap));
}
