import type { Forest, Tree, Voting } from '../forest.ts';

/** What a forest predicts for one row. */
export interface ReferencePrediction {
  /** Index of the class; 0 in regression. */
  readonly label: number;
  /** One a class, summing to one; in regression the value. */
  readonly probabilities: number[];
}

/**
 * The slow, obvious predictor that the fast one is checked against. One row, one tree, one node at a time, straight from
 * the definitions; nothing is precomputed.
 */
export function predictReference(forest: Forest, row: ArrayLike<number>, voting: Voting = 'mean'): ReferencePrediction {
  const outputs = forest.trees.map((tree) => leafOf(forest, tree, row));
  if (forest.boosting) return boosted(forest, outputs);
  if (voting === 'majority') return voted(forest, outputs);
  const probabilities = sumOf(new Array<number>(forest.outputs).fill(0), outputs).map((sum) => sum / outputs.length);
  return { label: firstMaximum(probabilities), probabilities };
}

/** What one tree predicts: its leaf's value, or where a tested value is a gap the mean of both branches by training weight. */
function leafOf(forest: Forest, tree: Tree, row: ArrayLike<number>, node = 0): number[] {
  const feature = tree.feature[node]!;
  if (feature < 0) return Array.from(tree.value.subarray(node * forest.outputs, (node + 1) * forest.outputs));
  const left = tree.left[node]!;
  const right = tree.right[node]!;
  const value = row[feature]!;
  if (!Number.isNaN(value)) return leafOf(forest, tree, row, value < tree.threshold[node]! ? left : right);
  if (tree.gapsLeft) return leafOf(forest, tree, row, tree.gapsLeft[node] ? left : right);
  const whole = tree.weight[left]! + tree.weight[right]!;
  const share = whole > 0 ? tree.weight[left]! / whole : 0.5;
  const ifRight = leafOf(forest, tree, row, right);
  return leafOf(forest, tree, row, left).map((ifLeft, output) => share * ifLeft + (1 - share) * ifRight[output]!);
}

/** One vote a tree. On a draw the class wins that was first to reach the winning count (`ml-array-mode`). */
function voted(forest: Forest, outputs: number[][]): ReferencePrediction {
  const votes = new Array<number>(forest.outputs).fill(0);
  let label = 0;
  let most = 0;
  for (const output of outputs) {
    const vote = firstMaximum(output);
    votes[vote]!++;
    if (votes[vote]! > most) {
      most = votes[vote]!;
      label = vote;
    }
  }
  return { label, probabilities: votes.map((count) => count / outputs.length) };
}

function boosted(forest: Forest, outputs: number[][]): ReferencePrediction {
  const sums = sumOf(Array.from(forest.boosting!.base), outputs);
  const link = forest.boosting!.link;
  if (link === 'identity') return { label: firstMaximum(sums), probabilities: sums };
  const exponents = sums.map((sum) =>
    link === 'softmax' ? Math.exp(sum - Math.max(...sums)) : 1 / (1 + Math.exp(-sum)),
  );
  const total = link === 'softmax' ? exponents.reduce((a, b) => a + b) : 1;
  return { label: firstMaximum(sums), probabilities: exponents.map((exponent) => exponent / total) };
}

function sumOf(start: number[], outputs: number[][]): number[] {
  return outputs.reduce((sums, each) => sums.map((sum, output) => sum + each[output]!), start);
}

/** Written anew, as all of this file: what is checked must not share code with what checks it. */
function firstMaximum(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
