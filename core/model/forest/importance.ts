import { type CompiledForest, predict } from './compiled.ts';
import type { Forest } from './forest.ts';
import { Random } from './random.ts';

/** Mean decrease in impurity by column, summing to one: scikit-learn's `feature_importances_`. */
export function impurityImportance({ trees, width }: Forest): Float64Array {
  const importance = new Float64Array(width);
  for (const tree of trees) {
    const ofTree = new Float64Array(width);
    for (const [node, feature] of tree.feature.entries()) {
      if (feature >= 0) ofTree[feature]! += tree.gain[node]! * tree.weight[node]!;
    }
    addShares(ofTree, importance);
  }
  const shares = new Float64Array(width);
  addShares(importance, shares);
  return shares;
}

function addShares(parts: Float64Array, sums: Float64Array): void {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  if (whole > 0) for (const [at, part] of parts.entries()) sums[at]! += part / whole;
}

export interface PermutationInput {
  /** Row-major, `count * width`. Better rows that the forest was not trained on. */
  readonly values: Float64Array;
  readonly count: number;
  readonly labels: Int32Array;
  /** How often each column is shuffled. Default 5. */
  readonly repeats?: number;
  readonly seed?: number;
}

/**
 * How much accuracy a classifier loses when a column is shuffled among the rows, by column, mean over the repeats.
 * (Breiman 2001, section 10; scikit-learn's `permutation_importance`.)
 */
export function permutationImportance(compiled: CompiledForest, input: PermutationInput): Float64Array {
  const { values, count, labels, repeats = 5, seed = 1 } = input;
  const { width, outputs } = compiled;
  const out = { probabilities: new Float64Array(count * outputs), labels: new Int32Array(count) };
  const accuracy = (rows: Float64Array) => {
    predict(compiled, rows, count, out);
    return out.labels.reduce((right, label, row) => right + (label === labels[row] ? 1 : 0), 0) / count;
  };
  const whole = accuracy(values);
  const shuffled = values.slice(0, count * width);
  return Float64Array.from({ length: width }, (_, column) => {
    let lost = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      shuffleColumn(shuffled, count, width, column, new Random(seed, column * repeats + repeat));
      lost += whole - accuracy(shuffled);
    }
    for (let at = column; at < count * width; at += width) shuffled[at] = values[at]!;
    return lost / repeats;
  });
}

function shuffleColumn(values: Float64Array, count: number, width: number, column: number, random: Random): void {
  for (let row = count - 1; row > 0; row--) {
    const a = row * width + column;
    const b = random.below(row + 1) * width + column;
    const kept = values[a]!;
    values[a] = values[b]!;
    values[b] = kept;
  }
}
