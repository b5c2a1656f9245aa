import type { Forest, Tree, Voting } from './forest.ts';

/** A forest laid out for prediction. Opaque: made by `compile`, read by `predict`. */
export interface CompiledForest {
  readonly width: number;
  readonly outputs: number;
  readonly forest: Forest;
  readonly voting: Voting;
}

/** Where `predict` writes. The arrays belong to the caller and are overwritten. */
export interface Prediction {
  /** `count * outputs`, row-major; each row sums to one. In regression the values. */
  readonly probabilities: Float64Array;
  /** Length `count`: index of the most probable class, of equals the first; in regression 0. */
  readonly labels: Int32Array;
}

/**
 * Lays a forest out for prediction. Do it once, when a model is loaded.
 *
 * With `voting: 'majority'` the labels are those of `ml-random-forest`'s `predict`, draws included.
 */
export function compile(forest: Forest, options: { voting?: Voting } = {}): CompiledForest {
  const votes = forest.task === 'classification' && !forest.boosting && options.voting === 'majority';
  return { width: forest.width, outputs: forest.outputs, forest, voting: votes ? 'majority' : 'mean' };
}

/**
 * Labels rows. `values` is row-major, `count * width`; NaN is a gap, at which both branches count by the training weight
 * that went each way (trees that learnt a direction for gaps follow it). Allocates nothing by row; pure.
 */
export function predict(compiled: CompiledForest, values: Float64Array, count: number, out: Prediction): void {
  const { forest, width, outputs } = compiled;
  const { probabilities, labels } = out;
  const most = new Float64Array(count);
  probabilities.fill(0, 0, count * outputs);
  labels.fill(0, 0, count);
  const answer = new Float64Array(outputs);
  for (const tree of forest.trees) {
    for (let row = 0; row < count; row++) {
      answer.fill(0);
      addLeaf(tree, outputs, values, row * width, 0, 1, answer);
      if (compiled.voting === 'majority') {
        const vote = firstMaximum(answer, 0, outputs);
        const votes = ++probabilities[row * outputs + vote]!;
        if (votes > most[row]!) {
          most[row] = votes;
          labels[row] = vote;
        }
      } else {
        for (let output = 0; output < outputs; output++) probabilities[row * outputs + output]! += answer[output]!;
      }
    }
  }
  const trees = forest.trees.length;
  for (let at = 0; at < count * outputs; at++) probabilities[at]! /= trees;
  if (compiled.voting === 'mean') {
    for (let row = 0; row < count; row++) labels[row] = firstMaximum(probabilities, row * outputs, outputs);
  }
}

function addLeaf(
  tree: Tree,
  outputs: number,
  values: Float64Array,
  offset: number,
  start: number,
  share: number,
  sums: Float64Array,
): void {
  let node = start;
  for (let feature = tree.feature[node]!; feature >= 0; feature = tree.feature[node]!) {
    const value = values[offset + feature]!;
    const left = tree.left[node]!;
    const right = tree.right[node]!;
    if (Number.isNaN(value) && !tree.gapsLeft) {
      const whole = tree.weight[left]! + tree.weight[right]!;
      const leftShare = whole > 0 ? tree.weight[left]! / whole : 0.5;
      addLeaf(tree, outputs, values, offset, left, share * leftShare, sums);
      addLeaf(tree, outputs, values, offset, right, share * (1 - leftShare), sums);
      return;
    }
    node = value < tree.threshold[node]! || (Number.isNaN(value) && tree.gapsLeft![node]) ? left : right;
  }
  for (let output = 0; output < outputs; output++) sums[output]! += share * tree.value[node * outputs + output]!;
}

function firstMaximum(values: Float64Array, from: number, length: number): number {
  let best = 0;
  for (let at = 1; at < length; at++) if (values[from + at]! > values[from + best]!) best = at;
  return best;
}
