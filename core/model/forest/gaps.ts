import type { Tree } from './forest.ts';

/** Memory for walking a row with gaps. */
export interface GapScratch {
  /** The output of one tree; its length is the number of outputs. */
  readonly treeOutput: Float64Array;
  /** Branches that still have to be walked, and how much each counts. */
  readonly openNodes: number[];
  readonly openShares: number[];
}

/**
 * Writes into `treeOutput` what a tree predicts for a row with gaps: where a tested value is a gap, both branches count,
 * in proportion to the training weight that went each way. (Quinlan, J. R. (1993). C4.5, chapter 3.) A tree that learnt
 * where gaps go follows that instead.
 */
export function walkWithGaps(
  tree: Tree,
  values: Float64Array,
  offset: number,
  { treeOutput, openNodes, openShares }: GapScratch,
): void {
  const { feature, threshold, left, right, weight, value, gapsLeft } = tree;
  const outputs = treeOutput.length;
  treeOutput.fill(0);
  openNodes.push(0);
  openShares.push(1);
  for (let next = openNodes.pop(); next !== undefined; next = openNodes.pop()) {
    let node = next;
    let share = openShares.pop()!;
    for (let tested = feature[node]!; tested >= 0; tested = feature[node]!) {
      const found = values[offset + tested]!;
      if (!Number.isNaN(found)) {
        node = found < threshold[node]! ? left[node]! : right[node]!;
      } else if (gapsLeft) {
        node = gapsLeft[node] ? left[node]! : right[node]!;
      } else {
        const whole = weight[left[node]!]! + weight[right[node]!]!;
        const leftShare = whole > 0 ? weight[left[node]!]! / whole : 0.5;
        openNodes.push(right[node]!);
        openShares.push(share * (1 - leftShare));
        share *= leftShare;
        node = left[node]!;
      }
    }
    for (let output = 0; output < outputs; output++) treeOutput[output]! += share * value[node * outputs + output]!;
  }
}
