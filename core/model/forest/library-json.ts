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
  const numberSamples = tree.weight[node]!;
  if (tree.feature[node]! < 0) {
    const value = Array.from(tree.value.subarray(node * forest.outputs, (node + 1) * forest.outputs));
    return { distribution: forest.task === 'classification' ? [value] : value[0]!, numberSamples };
  }
  return {
    splitColumn: tree.feature[node]!,
    splitValue: tree.threshold[node]!,
    gain: Number(tree.gain[node]!.toPrecision(6)),
    numberSamples,
    left: writeNode(forest, tree, tree.left[node]!),
    right: writeNode(forest, tree, tree.right[node]!),
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
  const drafts = estimators.map((tree, number) => draftOf(tree?.root, indexes[number] ?? [], `tree ${number}`));
  if (classifier) for (const [number, draft] of drafts.entries()) checkShares(draft, `tree ${number}`);
  const columns = 1 + drafts.reduce((most, draft) => draft.feature.reduce((a, b) => Math.max(a, b), most), -1);
  const outputs = drafts.reduce((most, draft) => draft.value.reduce((a, b) => Math.max(a, b.length), most), 1);
  const width = shape.width ?? columns;
  const classes = classifier ? (shape.classes ?? outputs) : 1;
  if (columns > width) throw invalid('the forest', `it tests column ${columns - 1} but rows have ${width} columns`);
  if (outputs > classes) throw invalid('the forest', `it has ${outputs} classes but ${classes} are expected`);
  return {
    task: classifier ? 'classification' : 'regression',
    width,
    outputs: classes,
    trees: drafts.map((draft) => treeOf(draft, classes)),
  };
}

interface Draft {
  feature: number[];
  threshold: number[];
  left: number[];
  right: number[];
  weight: number[];
  gain: number[];
  value: number[][];
}

/** Walks a tree of nodes into arrays, parents before children; a loop, because a file may be deeper than the stack. */
function draftOf(root: LibraryNode | undefined, columns: number[], where: string): Draft {
  const draft: Draft = { feature: [], threshold: [], left: [], right: [], weight: [], gain: [], value: [] };
  const open: { node: LibraryNode | undefined; parent: number; side: 'left' | 'right' }[] = [
    { node: root, parent: -1, side: 'left' },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, parent, side } = next;
    const at = draft.feature.length;
    if (!node || typeof node !== 'object') throw invalid(where, `node ${at} is missing`);
    if (parent >= 0) draft[side][parent] = at;
    const leaf = node.distribution !== undefined;
    const feature = leaf ? -1 : columns[node.splitColumn!];
    if (feature === undefined || !Number.isInteger(feature)) throw invalid(where, `node ${at} tests no known column`);
    if (!leaf && !Number.isFinite(node.splitValue)) throw invalid(where, `node ${at} has no splitValue`);
    draft.feature.push(feature);
    draft.threshold.push(leaf ? 0 : node.splitValue!);
    draft.left.push(-1);
    draft.right.push(-1);
    draft.gain.push(leaf ? 0 : (node.gain ?? 0));
    draft.weight.push(node.numberSamples ?? Number.NaN);
    draft.value.push(leaf ? distributionOf(node, where, at) : []);
    if (!leaf)
      open.push({ node: node.right, parent: at, side: 'right' }, { node: node.left, parent: at, side: 'left' });
  }
  fillWeights(draft);
  return draft;
}

function distributionOf(node: LibraryNode, where: string, at: number): number[] {
  const value = Array.isArray(node.distribution) ? node.distribution[0] : [node.distribution!];
  if (!Array.isArray(value) || value.length === 0 || !value.every(Number.isFinite)) {
    throw invalid(where, `the distribution of leaf ${at} is not a row of numbers`);
  }
  return value;
}

/** The distributions of leaves become probabilities. */
function checkShares({ feature, value }: Draft, where: string): void {
  for (const [at, shares] of value.entries()) {
    if (feature[at]! >= 0) continue;
    const sum = shares.reduce((all, each) => all + each, 0);
    if (Math.abs(sum - 1) > 1e-3 || shares.some((each) => each < 0))
      throw invalid(where, `the numbers of leaf ${at} are no shares that sum to one`);
  }
}

/** The library leaves the count out of its small leaves: what the sibling does not have, or half where both lack it. */
function fillWeights({ weight, left, right, feature }: Draft): void {
  if (Number.isNaN(weight[0])) weight[0] = 1;
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! < 0) continue;
    const a = left[node]!;
    const b = right[node]!;
    if (Number.isNaN(weight[a]) && Number.isNaN(weight[b])) weight[a] = weight[b] = weight[node]! / 2;
    else if (Number.isNaN(weight[a])) weight[a] = Math.max(0, weight[node]! - weight[b]!);
    else if (Number.isNaN(weight[b])) weight[b] = Math.max(0, weight[node]! - weight[a]!);
  }
}

function treeOf(draft: Draft, outputs: number): Tree {
  const value = new Float64Array(draft.feature.length * outputs);
  for (const [node, row] of draft.value.entries()) value.set(row, node * outputs);
  return {
    feature: Int32Array.from(draft.feature),
    threshold: Float64Array.from(draft.threshold),
    left: Int32Array.from(draft.left),
    right: Int32Array.from(draft.right),
    weight: Float64Array.from(draft.weight),
    gain: Float64Array.from(draft.gain),
    value,
  };
}

function invalid(what: string, why: string): GaplineError {
  return new GaplineError('model-invalid', `The random forest cannot be used, ${what}: ${why}.`, { retryable: false });
}
