import { setImmediate as nextTurn } from 'node:timers/promises';
import { sharedMemory } from '../../numeric/arena.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { GaplineError } from '../../wire/errors.ts';
import { type BinnedColumns, binColumns, columnBytes, columnShape } from './bins.ts';
import { BoostedTreeGrower } from './boost-grow.ts';
import type { Forest, Tree } from './forest.ts';
import type { TrainingData } from './training-data.ts';
import { classWeightsOf } from './training-data.ts';

export interface BoostingOptions {
  /** Boosting rounds: each grows a tree for each class, one for two classes. Default 100. */
  readonly trees?: number;
  /** Shrinkage: the share of a fitted step that each tree adds. A lower rate needs more trees and predicts better. Default 0.1. */
  readonly learningRate?: number;
  /** Of a tree, at most. Default 31. */
  readonly leaves?: number;
  /** Rows that a leaf needs. Default: 20, of fewer than 400 rows a twentieth, at least one. */
  readonly minSamplesLeaf?: number;
  /** The share of columns that is tried at each split. Default 0.3. */
  readonly columnShare?: number;
  /** The share of rows that each tree sees. Default 0.5. */
  readonly rowShare?: number;
  readonly classWeights?: readonly number[] | 'balanced';
  /** As many models are trained, each with a random seed of its own, and their sums averaged. Default 1. */
  readonly models?: number;
  /** The same seed, data and options give the same trees. Default 1. */
  readonly seed?: number;
}

export interface BoostingInput extends Omit<TrainingData, 'options' | 'threads'> {
  /** Length `count`: index of the class, below `classes`. */
  readonly labels: Int32Array;
  readonly classes: number;
  readonly options?: BoostingOptions;
  /** By round of a model, in place of one learning rate. */
  readonly schedule?: (round: number) => RoundPlan;
}

export interface RoundPlan {
  readonly learningRate: number;
  /** The share of the sum so far that this round starts from. Default: all of it. */
  readonly keep?: number;
}

/**
 * Trains gradient boosted trees: each fits the residual errors of the sum of those before it, by a step of Newton's method on
 * the logistic loss, on a sample of the rows and at each split a sample of the columns. A gap goes to the side that gained more
 * in training.
 *
 * Friedman, J. (2002). Stochastic gradient boosting. Computational Statistics and Data Analysis 38.
 * Chen, T., Guestrin, C. (2016). XGBoost: A Scalable Tree Boosting System. KDD.
 * Ke, G. et al. (2017). LightGBM: A Highly Efficient Gradient Boosting Decision Tree. NeurIPS.
 *
 * @throws GaplineError `data-invalid` where there are no rows, a value is infinite or a label is no class
 */
export async function trainBoosted(input: BoostingInput): Promise<Forest> {
  const { values, count, width, labels, classes, schedule, onProgress, isTimeUp, options = {} } = input;
  const { trees: rounds = 100, rowShare = 0.5, models = 1, seed = 1, classWeights } = options;
  checkData(input);
  const shape = columnShape(count, width, 1);
  const columns = binColumns(sharedMemory(columnBytes(shape)), shape, values);
  const weights = classWeightsOf(input, classWeights);
  const loss = new LogisticLoss({ labels, count, classes, weights });
  const grower = new BoostedTreeGrower(columns, { ...options, outputs: classes });
  const trees: Tree[] = [];
  for (let round = 0; round < rounds * models; round++) {
    if (round % rounds === 0) loss.restart();
    const plan = schedule?.(round % rounds);
    if (plan?.keep !== undefined) loss.shrink(plan.keep);
    const random = new Xoshiro128PlusPlus(seed, round);
    const rows = drawRows(count, rowShare, random);
    loss.beginRound();
    for (const output of loss.outputs) {
      const { gradients, curvatures } = loss.derivatives(output);
      const tree = grower.grow({ ...plan, gradients, curvatures, rows: rows.slice(), output, random });
      addPredictions(tree, output, columns, loss.scores);
      trees.push(shareOf(tree.tree, models));
    }
    onProgress?.({ trees: round + 1, of: rounds * models });
    // Of several models each tree is worth a part of the sum, so all of them are needed.
    if (models === 1 && isTimeUp?.()) break;
    await nextTurn();
  }
  return { task: 'classification', width, outputs: classes, trees, boosting: { base: loss.base, link: 'softmax' } };
}

/** What a tree adds to the average of several models. */
function shareOf(tree: Tree, models: number): Tree {
  return models === 1 ? tree : { ...tree, value: tree.value.map((value) => value / models) };
}

/** Sums by row and class, and how they should change. Of two classes only the second has a sum, the first's stays 0. */
class LogisticLoss {
  /** `count * classes`: the sums of all trees so far. */
  readonly scores: Float64Array;
  readonly base: Float64Array;
  readonly outputs: readonly number[];
  readonly #data: { labels: Int32Array; count: number; classes: number; weights: readonly number[] };
  readonly #probabilities: Float64Array;
  readonly #gradients: Float64Array;
  readonly #curvatures: Float64Array;

  constructor(data: { labels: Int32Array; count: number; classes: number; weights: readonly number[] }) {
    const { labels, count, classes, weights } = data;
    const seen = new Float64Array(classes).fill(1e-9);
    for (let row = 0; row < count; row++) seen[labels[row]!]! += weights[labels[row]!]!;
    const logs = seen.map((weight) => Math.log(weight));
    this.#data = data;
    this.outputs = classes === 2 ? [1] : Array.from(logs.keys());
    this.base = classes === 2 ? Float64Array.of(0, logs[1]! - logs[0]!) : logs;
    this.scores = new Float64Array(count * classes);
    this.#probabilities = new Float64Array(count * classes);
    this.#gradients = new Float64Array(count);
    this.#curvatures = new Float64Array(count);
  }

  /** Back to the sums without trees. */
  restart(): void {
    for (let at = 0; at < this.scores.length; at += this.base.length) this.scores.set(this.base, at);
  }

  /** Takes a part of what trees have added away again. */
  shrink(share: number): void {
    const { base, scores } = this;
    for (let at = 0; at < scores.length; at++) {
      const from = base[at % base.length]!;
      scores[at] = from + share * (scores[at]! - from);
    }
  }

  /** All trees of a round fit the same residuals. */
  beginRound(): void {
    const { count, classes } = this.#data;
    for (let from = 0; from < count * classes; from += classes) {
      let greatest = Number.NEGATIVE_INFINITY;
      for (let at = from; at < from + classes; at++) greatest = Math.max(greatest, this.scores[at]!);
      let whole = 0;
      for (let at = from; at < from + classes; at++) {
        this.#probabilities[at] = Math.exp(this.scores[at]! - greatest);
        whole += this.#probabilities[at]!;
      }
      for (let at = from; at < from + classes; at++) this.#probabilities[at]! /= whole;
    }
  }

  /** First and second derivative of the loss by row, in the sum of this class. */
  derivatives(output: number): { gradients: Float64Array; curvatures: Float64Array } {
    const { labels, count, classes, weights } = this.#data;
    for (let row = 0; row < count; row++) {
      const probability = this.#probabilities[row * classes + output]!;
      const weight = weights[labels[row]!]!;
      this.#gradients[row] = weight * (probability - (labels[row] === output ? 1 : 0));
      this.#curvatures[row] = weight * probability * (1 - probability);
    }
    return { gradients: this.#gradients, curvatures: this.#curvatures };
  }
}

/** Some of the rows, each with the same chance. */
function drawRows(count: number, share: number, random: Xoshiro128PlusPlus): Int32Array {
  const rows = new Int32Array(count);
  let taken = 0;
  for (let row = 0; row < count; row++) if (share >= 1 || random.fraction() < share) rows[taken++] = row;
  return rows.slice(0, taken);
}

/** Adds the tree's prediction to the sum of each row; walks over bins. */
function addPredictions(
  { tree, bins }: { tree: Tree; bins: Int32Array },
  output: number,
  { count, codes, gapBin }: BinnedColumns,
  scores: Float64Array,
): void {
  const { feature, left, right, gapsLeft, value } = tree;
  const outputs = scores.length / count;
  for (let row = 0; row < count; row++) {
    let node = 0;
    for (let tested = feature[0]!; tested >= 0; tested = feature[node]!) {
      const bin = codes[tested * count + row]!;
      const goesLeft = bin === gapBin ? gapsLeft![node] === 1 : bin <= bins[node]!;
      node = goesLeft ? left[node]! : right[node]!;
    }
    scores[row * outputs + output]! += value[node * outputs + output]!;
  }
}

function checkData({ values, count, width, labels, classes }: BoostingInput): void {
  const fail = (why: string): never => {
    throw new GaplineError('data-invalid', `Boosted trees cannot be trained: ${why}.`);
  };
  if (count < 1 || width < 1) fail(`there are ${count} rows of ${width} columns`);
  if (values.length < count * width || labels.length < count) fail('there are fewer values or labels than rows');
  const infinite = values.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
  if (infinite >= 0) fail(`row ${Math.floor(infinite / width)}, column ${infinite % width} is infinite`);
  const row = labels.subarray(0, count).findIndex((label) => label < 0 || label >= classes);
  if (row >= 0) fail(`the label of row ${row} is ${labels[row]}, not a class below ${classes}`);
}
