import { elementAt } from '../../numeric/element.ts';
import { GaplineError } from '../../wire/errors.ts';
import type { Forest, Tree } from './forest.ts';

/** A node as `ml-cart` writes it: a leaf has `distribution`, any other has the rest. Unknown keys are ignored by both. */
export interface LibraryNode {
  /** A leaf's class distribution as a matrix of one row, or its value in regression. */
  distribution?: number[][] | number;
  /** A row goes left when its value is below this. */
  splitValue?: number;
  /** Index into the tree's `indexes`, not into the row. */
  splitColumn?: number;
  gain?: number | null;
  /** Training rows that reached the node. The library leaves it out of most leaves; we write it in each node. */
  numberSamples?: number;
  left?: LibraryNode;
  right?: LibraryNode;
}

export interface LibraryTree {
  name: 'DTClassifier' | 'DTRegression';
  options: Record<string, unknown>;
  root: LibraryNode;
}

/** What `RandomForestClassifier.toJSON()` and `RandomForestRegression.toJSON()` of `ml-random-forest` give. */
export interface LibraryForest {
  name: 'RFClassifier' | 'RFRegression';
  selectionMethod?: 'mean' | 'median';
  baseModel: {
    /** By tree: the columns of a row that the tree was given, in its own order. */
    indexes: number[][];
    n: number;
    replacement: boolean;
    maxFeatures: number;
    nEstimators: number;
    treeOptions: Record<string, unknown>;
    isClassifier: boolean;
    seed: number;
    estimators: LibraryTree[];
    useSampleBagging: boolean;
  };
}

/** Writes a forest as `ml-random-forest` does, so that its `load` takes it and votes as our `majority` does. */
export function writeLibraryForest(
  forest: Forest,
  options: { seed?: number; bootstrap?: boolean } = {},
): LibraryForest {
  if (forest.boosting) throw invalid('boosted trees', 'that format has no sums, only votes and means');
  const classifier = forest.task === 'classification';
  const treeOptions = classifier
    ? { gainFunction: 'gini', splitFunction: 'mean', kind: 'classifier' }
    : { gainFunction: 'regression', splitFunction: 'mean', kind: 'regression' };
  return {
    name: classifier ? 'RFClassifier' : 'RFRegression',
    ...(classifier ? {} : { selectionMethod: 'mean' as const }),
    baseModel: {
      indexes: forest.trees.map(() => Array.from({ length: forest.width }, (_, column) => column)),
      n: forest.width,
      replacement: false,
      maxFeatures: forest.width,
      nEstimators: forest.trees.length,
      treeOptions,
      isClassifier: classifier,
      seed: options.seed ?? 0,
      estimators: forest.trees.map((tree) => ({
        name: classifier ? 'DTClassifier' : 'DTRegression',
        options: treeOptions,
        root: writeNode(forest, tree, 0),
      })),
      useSampleBagging: options.bootstrap ?? true,
    },
  };
}

function writeNode(forest: Forest, tree: Tree, node: number): LibraryNode {
  const numberSamples = elementAt(tree.weight, node);
  const splitColumn = elementAt(tree.feature, node);
  if (splitColumn < 0) {
    const value = Array.from(tree.value.subarray(node * forest.outputs, (node + 1) * forest.outputs));
    return { distribution: forest.task === 'classification' ? [value] : elementAt(value, 0), numberSamples };
  }
  return {
    splitColumn,
    splitValue: elementAt(tree.threshold, node),
    gain: Number(elementAt(tree.gain, node).toPrecision(6)),
    numberSamples,
    left: writeNode(forest, tree, elementAt(tree.left, node)),
    right: writeNode(forest, tree, elementAt(tree.right, node)),
  };
}

/**
 * Reads what `ml-random-forest`'s `toJSON()` gives, or what `writeLibraryForest` wrote.
 *
 * The file holds neither the number of columns nor of classes; `width` and `classes` are checked against what it uses,
 * and default to the least that fits.
 *
 * @throws GaplineError `model-invalid`, naming the tree and what is wrong with it
 */
export function readLibraryForest(json: unknown, shape: { width?: number; classes?: number } = {}): Forest {
  const file = json as LibraryForest;
  if (file?.name !== 'RFClassifier' && file?.name !== 'RFRegression') {
    throw invalid('the file', 'it is not what ml-random-forest writes: `name` must be RFClassifier or RFRegression');
  }
  if (file.selectionMethod === 'median')
    throw invalid('the forest', 'the median of trees is not supported, only the mean');
  const { estimators, indexes } = file.baseModel ?? {};
  if (!Array.isArray(estimators) || !Array.isArray(indexes) || estimators.length === 0) {
    throw invalid('the file', 'baseModel.estimators and baseModel.indexes must be arrays of one entry a tree');
  }
  const classifier = file.name === 'RFClassifier';
  const parsed = estimators.map((estimator, number) =>
    parseTree(estimator?.root, indexes[number] ?? [], `tree ${number}`),
  );
  if (classifier) for (const [number, tree] of parsed.entries()) checkDistributions(tree, `tree ${number}`);
  const columns = 1 + parsed.reduce((most, tree) => tree.feature.reduce((a, b) => Math.max(a, b), most), -1);
  const outputs = parsed.reduce((most, tree) => tree.value.reduce((a, b) => Math.max(a, b.length), most), 1);
  const width = shape.width ?? columns;
  const classes = classifier ? (shape.classes ?? outputs) : 1;
  if (columns > width) throw invalid('the forest', `it tests column ${columns - 1} but rows have ${width} columns`);
  if (outputs > classes) throw invalid('the forest', `it has ${outputs} classes but ${classes} are expected`);
  return {
    task: classifier ? 'classification' : 'regression',
    width,
    outputs: classes,
    trees: parsed.map((tree) => treeOf(tree, classes)),
  };
}

interface ParsedTree {
  feature: number[];
  threshold: number[];
  left: number[];
  right: number[];
  weight: number[];
  gain: number[];
  value: number[][];
}

/** Walks a tree of nodes into arrays, parents before children; a loop, because a file may be deeper than the stack. */
function parseTree(root: LibraryNode | undefined, columns: number[], where: string): ParsedTree {
  const tree: ParsedTree = { feature: [], threshold: [], left: [], right: [], weight: [], gain: [], value: [] };
  const open: { node: LibraryNode | undefined; parent: number; side: 'left' | 'right' }[] = [
    { node: root, parent: -1, side: 'left' },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, parent, side } = next;
    const at = tree.feature.length;
    if (!node || typeof node !== 'object') throw invalid(where, `node ${at} is missing`);
    if (parent >= 0) tree[side][parent] = at;
    tree.left.push(-1);
    tree.right.push(-1);
    tree.weight.push(node.numberSamples ?? Number.NaN);
    if (node.distribution !== undefined) {
      addLeaf(tree, distributionOf(node.distribution, where, at));
      continue;
    }
    addSplit(tree, node, columns, `${where}, node ${at}`);
    open.push({ node: node.right, parent: at, side: 'right' }, { node: node.left, parent: at, side: 'left' });
  }
  fillWeights(tree);
  return tree;
}

function addLeaf(tree: ParsedTree, distribution: number[]): void {
  tree.feature.push(-1);
  tree.threshold.push(0);
  tree.gain.push(0);
  tree.value.push(distribution);
}

function addSplit(tree: ParsedTree, { splitColumn, splitValue, gain }: LibraryNode, columns: number[], where: string) {
  const feature = splitColumn === undefined ? undefined : columns[splitColumn];
  if (feature === undefined || !Number.isInteger(feature)) throw invalid(where, 'it tests no known column');
  if (splitValue === undefined || !Number.isFinite(splitValue)) throw invalid(where, 'it has no splitValue');
  tree.feature.push(feature);
  tree.threshold.push(splitValue);
  tree.gain.push(gain ?? 0);
  tree.value.push([]);
}

function distributionOf(distribution: number[][] | number, where: string, at: number): number[] {
  const value = Array.isArray(distribution) ? distribution[0] : [distribution];
  if (!Array.isArray(value) || value.length === 0 || !value.every(Number.isFinite)) {
    throw invalid(where, `the distribution of leaf ${at} is not a row of numbers`);
  }
  return value;
}

/** The distributions of leaves become probabilities. */
function checkDistributions({ value }: ParsedTree, where: string): void {
  for (const [at, distribution] of value.entries()) {
    if (distribution.length === 0) continue;
    const sum = distribution.reduce((all, each) => all + each, 0);
    if (Math.abs(sum - 1) > 1e-3 || distribution.some((each) => each < 0))
      throw invalid(where, `the numbers of leaf ${at} are no shares that sum to one`);
  }
}

/** The library leaves the count out of its small leaves: what the sibling does not have, or half where both lack it. */
function fillWeights({ weight, left, right, feature }: ParsedTree): void {
  if (Number.isNaN(elementAt(weight, 0))) weight[0] = 1;
  for (const [node, tested] of feature.entries()) {
    if (tested < 0) continue;
    const whole = elementAt(weight, node);
    const [a, b] = [elementAt(left, node), elementAt(right, node)];
    const [ofLeft, ofRight] = [elementAt(weight, a), elementAt(weight, b)];
    if (Number.isNaN(ofLeft)) weight[a] = Number.isNaN(ofRight) ? whole / 2 : Math.max(0, whole - ofRight);
    if (Number.isNaN(ofRight)) weight[b] = Number.isNaN(ofLeft) ? whole / 2 : Math.max(0, whole - ofLeft);
  }
}

function treeOf(tree: ParsedTree, outputs: number): Tree {
  const value = new Float64Array(tree.feature.length * outputs);
  for (const [node, row] of tree.value.entries()) value.set(row, node * outputs);
  return {
    feature: Int32Array.from(tree.feature),
    threshold: Float64Array.from(tree.threshold),
    left: Int32Array.from(tree.left),
    right: Int32Array.from(tree.right),
    weight: Float64Array.from(tree.weight),
    gain: Float64Array.from(tree.gain),
    value,
  };
}

function invalid(what: string, why: string): GaplineError {
  return new GaplineError('model-invalid', `The random forest cannot be used, ${what}: ${why}.`, { retryable: false });
}
