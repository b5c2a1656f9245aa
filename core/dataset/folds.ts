import { mulberry32, shuffle } from '../numeric/random/mulberry32.ts';
import { mainLabels } from './grouped-split.ts';

export interface FoldOptions {
  /** How many folds, at least 2. */
  readonly folds: number;
  readonly seed: number;
}

/** Rows that are to be dealt out to folds, whole groups at a time. */
export interface FoldRows {
  /** By row: class, -1 where unknown. */
  readonly labels: Int32Array;
  /** By row, an index: rows of one group are in one fold. */
  readonly groups: Int32Array;
}

/**
 * Deals groups out to folds so that each fold has its part of every label; the label of a group is the one that most of its rows have.
 * @returns by row, its fold; undefined where a label has fewer groups than there are folds, so that some fold would lack it
 */
export function foldsOf(rows: FoldRows, { folds, seed }: FoldOptions): Int32Array | undefined {
  const byLabel = Map.groupBy(mainLabels({ labels: rows.labels, devices: rows.groups }), ([, label]) => label);
  const isMain = [...new Set(rows.labels)].every((label) => byLabel.has(label));
  if (!isMain || [...byLabel.values()].some((groups) => groups.length < folds)) return undefined;
  const random = mulberry32(seed);
  const foldOfGroup = new Map<number, number>();
  for (const [, own] of [...byLabel].sort(([a], [b]) => a - b)) {
    const order = Int32Array.from(own, ([group]) => group).sort();
    shuffle(order, random);
    // One label resumes where the one before ended, so that the folds differ by one group at the most.
    for (const group of order) foldOfGroup.set(group, foldOfGroup.size % folds);
  }
  return rows.groups.map((group) => foldOfGroup.get(group) ?? 0);
}
