import { argmax } from '../../numeric/argmax.ts';
import type { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import type { BinnedColumns } from './bins.ts';
import { emptyTree, type Tree } from './forest.ts';

export interface BoostedTreeOptions {
  readonly leaves?: number;
  /** Default: {@link leafRowsFor} of the rows. */
  readonly minSamplesLeaf?: number;
  readonly columnShare?: number;
  readonly learningRate?: number;
  /** Length of a leaf's value. */
  readonly outputs: number;
}

export interface BoostedTreeInput {
  /** First and second derivative of the loss, by row. */
  readonly gradients: Float64Array;
  readonly curvatures: Float64Array;
  /** The rows to learn from, ascending. Reordered. */
  readonly rows: Int32Array;
  /** Which of a leaf's numbers this tree is for; the others stay 0. */
  readonly output: number;
  /** Default: that of all trees. */
  readonly learningRate?: number;
  readonly random: Xoshiro128PlusPlus;
}

/** L2 regularisation: keeps steps bounded where the second derivative is close to zero (lambda of XGBoost). */
const regularisation = 1;

/** A leaf of so many rows is enough, however many there are. */
const enoughRows = 20;
/** A leaf that has to hold more than this share of few rows leaves nothing to split. */
const leafShare = 0.05;

/** Rows that a leaf needs where nothing else is said: 20, of fewer than 400 rows a twentieth. */
export const leafRowsFor = (rows: number): number => Math.max(1, Math.min(enoughRows, Math.floor(rows * leafShare)));

interface Split {
  readonly feature: number;
  /** The last bin that goes left. */
  readonly bin: number;
  readonly threshold: number;
  readonly gapsLeft: boolean;
  readonly gain: number;
}

/** A leaf that may be split yet: its rows are `rows[start…end)`. */
interface Leaf {
  readonly node: number;
  readonly start: number;
  readonly end: number;
  readonly gradient: number;
  readonly curvature: number;
  readonly split: Split | undefined;
}

/**
 * Grows trees on gradients, leaf-wise: the leaf that gains most is split next, until there are `leaves`. Splits are searched over
 * bins; rows whose value is a gap are tried on both sides.
 */
export class BoostedTreeGrower {
  readonly #columns: BinnedColumns;
  readonly #options: Required<BoostedTreeOptions>;
  readonly #features: Int32Array;
  /** By bin: gradient, curvature, rows. */
  readonly #histogram: Float64Array;
  readonly #ordered: Float64Array;
  readonly #right: Int32Array;

  constructor(columns: BinnedColumns, options: BoostedTreeOptions) {
    const { leaves = 31, columnShare = 0.3, learningRate = 0.1, outputs } = options;
    const { minSamplesLeaf = leafRowsFor(columns.count) } = options;
    this.#columns = columns;
    this.#options = { leaves, minSamplesLeaf, columnShare, learningRate, outputs };
    this.#features = Int32Array.from({ length: columns.width }, (_, feature) => feature);
    this.#histogram = new Float64Array((columns.gapBin + 1) * 3);
    this.#ordered = new Float64Array(columns.count * 2);
    this.#right = new Int32Array(columns.count);
  }

  /** The tree, and by node the last bin that goes left. */
  grow(input: BoostedTreeInput): { tree: Tree; bins: Int32Array } {
    const { leaves, outputs } = this.#options;
    const size = 2 * leaves - 1;
    const bins = new Int32Array(size);
    const tree = { ...emptyTree(size, outputs), gapsLeft: new Uint8Array(size) };
    const open = [this.#leaf(0, 0, input.rows.length, input)];
    let nodes = 1;
    while (open.length < leaves) {
      const at = mostGain(open);
      const leaf = open[at]!;
      const { split, node, start, end } = leaf;
      if (!split) break;
      const middle = this.#partition(split, input.rows, start, end);
      tree.feature[node] = split.feature;
      tree.threshold[node] = split.threshold;
      tree.gain[node] = split.gain / (end - start);
      tree.gapsLeft[node] = split.gapsLeft ? 1 : 0;
      tree.weight[node] = end - start;
      tree.left[node] = nodes;
      tree.right[node] = nodes + 1;
      bins[node] = split.bin;
      open[at] = this.#leaf(nodes, start, middle, input);
      open.push(this.#leaf(nodes + 1, middle, end, input));
      nodes += 2;
    }
    for (const leaf of open) {
      tree.weight[leaf.node] = leaf.end - leaf.start;
      tree.value[leaf.node * outputs + input.output] = this.#step(leaf, input.learningRate);
    }
    return { tree: cutTo(tree, nodes, outputs), bins };
  }

  #step({ gradient, curvature }: Leaf, learningRate = this.#options.learningRate): number {
    return (-learningRate * gradient) / (curvature + regularisation);
  }

  #leaf(node: number, start: number, end: number, input: BoostedTreeInput): Leaf {
    const { rows, gradients, curvatures } = input;
    const ordered = this.#ordered;
    let gradient = 0;
    let curvature = 0;
    for (let at = start; at < end; at++) {
      const row = rows[at]!;
      ordered[at * 2] = gradients[row]!;
      ordered[at * 2 + 1] = curvatures[row]!;
      gradient += gradients[row]!;
      curvature += curvatures[row]!;
    }
    const leaf = { node, start, end, gradient, curvature };
    return { ...leaf, split: this.#search(leaf, input) };
  }

  /** The best split of a leaf over columns drawn without replacement. */
  #search(leaf: Omit<Leaf, 'split'>, { rows, random }: BoostedTreeInput): Split | undefined {
    const { minSamplesLeaf, columnShare } = this.#options;
    if (leaf.end - leaf.start < 2 * minSamplesLeaf) return undefined;
    const features = this.#features;
    const tried = Math.max(1, Math.round(features.length * columnShare));
    let best: Split | undefined;
    for (let drawn = 0; drawn < tried; drawn++) {
      const at = drawn + random.below(features.length - drawn);
      const feature = features[at]!;
      features[at] = features[drawn]!;
      features[drawn] = feature;
      this.#count(feature, leaf.start, leaf.end, rows);
      const split = this.#searchColumn(feature, leaf, best?.gain ?? 1e-9);
      if (split) best = split;
    }
    return best;
  }

  /** Fills the histogram with a leaf's rows. */
  #count(feature: number, start: number, end: number, rows: Int32Array): void {
    const histogram = this.#histogram;
    const ordered = this.#ordered;
    const { codes, count } = this.#columns;
    histogram.fill(0);
    const from = feature * count;
    for (let at = start; at < end; at++) {
      const bin = codes[from + rows[at]!]! * 3;
      histogram[bin]! += ordered[at * 2]!;
      histogram[bin + 1]! += ordered[at * 2 + 1]!;
      histogram[bin + 2]! += 1;
    }
  }

  /** The best split of one column that gains more than `least`; gaps go to the side where they gain more. */
  #searchColumn(feature: number, leaf: Omit<Leaf, 'split'>, least: number): Split | undefined {
    const { gapBin } = this.#columns;
    const histogram = this.#histogram;
    const { minSamplesLeaf } = this.#options;
    const { gradient, curvature } = leaf;
    const rows = leaf.end - leaf.start;
    const gaps = histogram[gapBin * 3 + 2]!;
    const whole = worth(gradient, curvature);
    let [leftGradient, leftCurvature, left] = [0, 0, 0];
    let gain = least;
    let bin = -1;
    let gapsLeft = false;
    for (let at = 0; at < gapBin && left < rows - gaps; at++) {
      if (histogram[at * 3 + 2] === 0) continue;
      leftGradient += histogram[at * 3]!;
      leftCurvature += histogram[at * 3 + 1]!;
      left += histogram[at * 3 + 2]!;
      for (let side = gaps > 0 ? 1 : 0; side >= 0; side--) {
        const inLeft = left + side * gaps;
        if (inLeft < minSamplesLeaf || rows - inLeft < minSamplesLeaf) continue;
        const g = leftGradient + side * histogram[gapBin * 3]!;
        const h = leftCurvature + side * histogram[gapBin * 3 + 1]!;
        const found = worth(g, h) + worth(gradient - g, curvature - h) - whole;
        if (found <= gain) continue;
        gain = found;
        bin = at;
        gapsLeft = side === 1;
      }
    }
    if (bin < 0) return undefined;
    // Where no gap was seen it goes with the greater part.
    if (gaps === 0) gapsLeft = countUpTo(histogram, bin) * 2 >= rows;
    return { feature, bin, threshold: this.#threshold(feature, bin), gapsLeft, gain };
  }

  /** In the middle between the values of the node's neighbouring bins; where only gaps go right, above all values. */
  #threshold(feature: number, bin: number): number {
    const { lowest, highest, gapBin } = this.#columns;
    let next = bin + 1;
    while (next < gapBin && this.#histogram[next * 3 + 2] === 0) next++;
    if (next === gapBin) return Number.MAX_VALUE;
    const below = highest[feature * gapBin + bin]!;
    const above = lowest[feature * gapBin + next]!;
    const middle = below / 2 + above / 2;
    return middle > below && middle <= above ? middle : above;
  }

  /** Brings the rows that go left to the front and returns where the others begin; both keep their order. */
  #partition({ feature, bin, gapsLeft }: Split, rows: Int32Array, start: number, end: number): number {
    const { codes, count, gapBin } = this.#columns;
    const from = feature * count;
    let middle = start;
    let right = 0;
    for (let at = start; at < end; at++) {
      const row = rows[at]!;
      const code = codes[from + row]!;
      if (code === gapBin ? gapsLeft : code <= bin) rows[middle++] = row;
      else this.#right[right++] = row;
    }
    rows.set(this.#right.subarray(0, right), middle);
    return middle;
  }
}

/** How much a leaf with these derivatives lowers the loss, twice. */
function worth(gradient: number, curvature: number): number {
  return (gradient * gradient) / (curvature + regularisation);
}

function countUpTo(histogram: Float64Array, bin: number): number {
  let rows = 0;
  for (let at = 0; at <= bin; at++) rows += histogram[at * 3 + 2]!;
  return rows;
}

function mostGain(open: readonly Leaf[]): number {
  return argmax(Float64Array.from(open, ({ split }) => split?.gain ?? -1));
}

function cutTo<T extends Tree>(tree: T, nodes: number, outputs: number): T {
  const cut = Object.entries(tree).map(([key, array]) => [
    key,
    array.slice(0, key === 'value' ? nodes * outputs : nodes),
  ]);
  return Object.fromEntries(cut) as T;
}
