import { argmax } from '../../numeric/argmax.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import type { Forest } from './forest.ts';
import { walkWithGaps } from './gaps.ts';
import { drawRows } from './grow.ts';
import type { Classification, Regression } from './training-data.ts';

/** How good a forest is on rows that its trees did not see: an honest score without a test set. */
export interface OutOfBag {
  /** Accuracy; in regression the coefficient of determination, R². */
  readonly score: number;
  /** How many rows were unseen by at least one tree. */
  readonly rows: number;
}

/** Draws each tree's rows again from the seed, and predicts every other row by the mean of the trees that did not see it. */
export function scoreOutOfBag(forest: Forest, seed: number, input: Classification | Regression): OutOfBag {
  const { values, count, width } = input;
  const { outputs, trees } = forest;
  const sums = new Float64Array(count * outputs);
  const votes = new Int32Array(count);
  const draws = new Uint32Array(count);
  const scratch = { treeOutput: new Float64Array(outputs), openNodes: [], openShares: [] };
  for (const [number, tree] of trees.entries()) {
    drawRows(draws, new Xoshiro128PlusPlus(seed, number));
    for (let row = 0; row < count; row++) {
      if (draws[row]! > 0) continue;
      walkWithGaps(tree, values, row * width, scratch);
      votes[row]!++;
      for (let output = 0; output < outputs; output++) sums[row * outputs + output]! += scratch.treeOutput[output]!;
    }
  }
  const rows = Array.from(votes.keys()).filter((row) => votes[row]! > 0);
  if ('targets' in input) return { rows: rows.length, score: determination(rows, sums, votes, input.targets) };
  const right = rows.filter((row) => argmax(sums, row * outputs, outputs) === input.labels[row]);
  return { rows: rows.length, score: right.length / rows.length };
}

function determination(rows: readonly number[], sums: Float64Array, votes: Int32Array, targets: Float64Array): number {
  const mean = rows.reduce((sum, row) => sum + targets[row]!, 0) / rows.length;
  const total = rows.reduce((sum, row) => sum + (targets[row]! - mean) ** 2, 0);
  const residual = rows.reduce((sum, row) => sum + (targets[row]! - sums[row]! / votes[row]!) ** 2, 0);
  return 1 - residual / total;
}
