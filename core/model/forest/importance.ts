import type { Forest } from './forest.ts';

/**
 * Mean decrease in impurity by column, summing to one: scikit-learn's `feature_importances_`. In a forest each tree counts
 * alike; boosted trees count by how much of the loss they take away, so that the first weigh most.
 */
export function impurityImportance({ trees, width, boosting }: Forest): Float64Array {
  const importance = new Float64Array(width);
  for (const tree of trees) {
    const ofTree = boosting ? importance : new Float64Array(width);
    for (const [node, feature] of tree.feature.entries()) {
      if (feature >= 0) ofTree[feature]! += tree.gain[node]! * tree.weight[node]!;
    }
    if (!boosting) addShares(ofTree, importance);
  }
  const shares = new Float64Array(width);
  addShares(importance, shares);
  return shares;
}

function addShares(parts: Float64Array, sums: Float64Array): void {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  if (whole > 0) for (const [at, part] of parts.entries()) sums[at]! += part / whole;
}

/**
 * The same by field, as it is kept in a manifest.
 * @param width - the number of fields; missing indicators, which follow those, count for their field
 */
export function importanceByField(importance: Float64Array, width: number): number[] {
  const byField = new Array<number>(width).fill(0);
  for (const [column, share] of importance.entries()) byField[column % width]! += share;
  return byField.map((share) => Math.min(1, Number(share.toPrecision(4))));
}
