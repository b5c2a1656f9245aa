/**
 * One decision tree as plain arrays, one entry a node. Node 0 is the root and a child always stands after its parent.
 * This is what training makes, what files are read into and written from, and what `compile` takes.
 */
export interface Tree {
  /** Column that the node tests, -1 at a leaf. */
  readonly feature: Int32Array;
  /** A row goes left when its value is below this (`<`, as in `ml-cart`), right otherwise. Not read at a leaf. */
  readonly threshold: Float64Array;
  /** Node number of each child, -1 at a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** `nodes * outputs`: a leaf's class distribution (sums to one) or its value in regression. Only leaves' are read. */
  readonly value: Float64Array;
  /** Training weight that reached the node. Where a tested value is a gap, both branches count in this proportion. */
  readonly weight: Float64Array;
  /** How much the split lowers the impurity (Gini, the variance in regression, of boosted trees the loss by row); 0 at a leaf. */
  readonly gain: Float64Array;
  /** For trees that learnt a default direction for gaps: 1 left, 0 right. Absent: both branches by weight. */
  readonly gapsLeft?: Uint8Array;
}

/** A tree whose nodes are to be filled in: all are leaves, and their values, weights and gains are 0. */
export const emptyTree = (nodes: number, outputs: number): Tree => ({
  feature: new Int32Array(nodes).fill(-1),
  threshold: new Float64Array(nodes),
  left: new Int32Array(nodes).fill(-1),
  right: new Int32Array(nodes).fill(-1),
  value: new Float64Array(nodes * outputs),
  weight: new Float64Array(nodes),
  gain: new Float64Array(nodes),
});

/** Boosted trees add their leaves to `base` and pass the sum through `link`; a forest takes the mean or a vote instead. */
export interface Boosting {
  /** Length `outputs`. */
  readonly base: Float64Array;
  readonly link: 'identity' | 'logistic' | 'softmax';
}

export interface Forest {
  readonly task: 'classification' | 'regression';
  /** Number of columns of a row. */
  readonly width: number;
  /** Number of classes; 1 in regression. */
  readonly outputs: number;
  readonly trees: readonly Tree[];
  /** Present for boosted trees only. */
  readonly boosting?: Boosting;
}

/**
 * How the outputs of trees become one prediction: `mean` averages the leaves' distributions, as scikit-learn does; `majority` counts one
 * vote a tree, as `ml-random-forest` does. Regression and boosted trees have `mean` only.
 */
export type Voting = 'mean' | 'majority';
