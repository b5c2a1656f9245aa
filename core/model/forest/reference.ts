import type { Forest, Tree, Voting } from './forest.ts';

/** What a forest says of one row. */
export interface ReferenceAnswer {
  /** Index of the class; 0 in regression. */
  readonly label: number;
  /** One a class, summing to one; in regression the value. */
  readonly probabilities: number[];
}

/**
 * The slow, obvious predictor that the fast one is held equal to. One row, one tree, one node at a time, straight from
 * the definitions; nothing is precomputed.
 */
export function predictReference(forest: Forest, row: ArrayLike<number>, voting: Voting = 'mean'): ReferenceAnswer {
  const answers = forest.trees.map((tree) => leafOf(forest, tree, row));
  if (forest.boosting) return boosted(forest, answers);
  if (voting === 'majority') return voted(forest, answers);
  const probabilities = sumOf(new Array<number>(forest.outputs).fill(0), answers).map((sum) => sum / answers.length);
  return { label: firstMaximum(probabilities), probabilities };
}

/** What one tree says: its leaf's value, or where a tested value is a gap the mean of both branches by training weight. */
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
function voted(forest: Forest, answers: number[][]): ReferenceAnswer {
  const votes = new Array<number>(forest.outputs).fill(0);
  let label = 0;
  let most = 0;
  for (const answer of answers) {
    const vote = firstMaximum(answer);
    votes[vote]!++;
    if (votes[vote]! > most) {
      most = votes[vote]!;
      label = vote;
    }
  }
  return { label, probabilities: votes.map((count) => count / answers.length) };
}

function boosted(forest: Forest, answers: number[][]): ReferenceAnswer {
  const sums = sumOf(Array.from(forest.boosting!.base), answers);
  const link = forest.boosting!.link;
  if (link === 'identity') return { label: firstMaximum(sums), probabilities: sums };
  const exponents = sums.map((sum) =>
    link === 'softmax' ? Math.exp(sum - Math.max(...sums)) : 1 / (1 + Math.exp(-sum)),
  );
  const total = link === 'softmax' ? exponents.reduce((a, b) => a + b) : 1;
  return { label: firstMaximum(sums), probabilities: exponents.map((exponent) => exponent / total) };
}

function sumOf(start: number[], answers: number[][]): number[] {
  return answers.reduce((sums, answer) => sums.map((sum, output) => sum + answer[output]!), start);
}

function firstMaximum(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
