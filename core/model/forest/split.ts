import type { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import type { BinnedColumns } from './bins.ts';

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
  /** Where extra trees drew the threshold, as far as it parts those two. Absent: in their middle. */
  readonly threshold?: number;
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
  /** Turns to a node, whose rows in `cells` are `samples[start…end)`. Returns whether there is anything left to split. */
  begin(cells: Cells, start: number, end: number): boolean;
  /** Tries a column. False if it is constant in this node, gaps aside. */
  tryColumn(feature: number, random: Xoshiro128PlusPlus): boolean;
  /** The best of the columns tried since `begin`, if any can be split. */
  best(): BestSplit | undefined;
  /** Writes the current node's distribution or mean. */
  writeValue(out: Float64Array, at: number): void;
}

/** The first bin that is seen (one byte a bin, 1 if seen), -1 if none is. Four bytes are looked at together. */
export function firstSeen(seen: Uint32Array): number {
  for (let word = 0; word < seen.length; word++) {
    if (seen[word] !== 0) return word * 4 + ((31 - Math.clz32(seen[word]! & -seen[word]!)) >> 3);
  }
  return -1;
}

/** The last bin that is seen, -1 if none is. */
export function lastSeen(seen: Uint32Array): number {
  for (let word = seen.length - 1; word >= 0; word--) {
    if (seen[word] !== 0) return word * 4 + ((31 - Math.clz32(seen[word]!)) >> 3);
  }
  return -1;
}

/** Where an extra tree cuts a column. */
export interface RandomCut {
  /** Of bins, the first that goes right. */
  bin: number;
  threshold: number;
}

export const noCut: RandomCut = { bin: 0, threshold: 0 };

/**
 * Draws a threshold evenly from a column's range in the node, between the seen bins `first` and `last`. A bin that the
 * threshold falls into goes where its middle lies.
 */
export function drawCut(
  { lowest, highest, gapBin }: BinnedColumns,
  feature: number,
  { first, last }: { first: number; last: number },
  random: Xoshiro128PlusPlus,
): RandomCut {
  const base = feature * gapBin;
  const fraction = random.fraction();
  const threshold = highest[base + first]! * (1 - fraction) + lowest[base + last]! * fraction;
  let from = first + 1;
  for (let to = last; from < to; ) {
    const middle = (from + to) >> 1;
    if (lowest[base + middle]! / 2 + highest[base + middle]! / 2 <= threshold) from = middle + 1;
    else to = middle;
  }
  return { bin: from, threshold };
}
