import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { GaplineError } from '../../wire/errors.ts';
import { binColumns } from './bins.ts';
import type { Forest, Tree } from './forest.ts';
import { type ForestJob, growTrees } from './job.ts';

export interface ForestOptions {
  /** Default 100. */
  readonly trees?: number;
  /** The same seed, data and options give the same forest, whatever the number of threads. Default 1. */
  readonly seed?: number;
  /** Default: none, trees grow until their leaves are pure. */
  readonly maxDepth?: number;
  /** Default 1. */
  readonly minSamplesLeaf?: number;
  /** Columns tried at each split: a number, or below 1 a share of the columns. Default `sqrt`. */
  readonly maxFeatures?: number | 'sqrt' | 'log2' | 'all';
  /** Each tree sees as many rows as there are, drawn with replacement. Default true, false for extra trees. */
  readonly bootstrap?: boolean;
  /** One a class, or `balanced`: inversely to how often the class occurs. Default all alike. */
  readonly classWeights?: readonly number[] | 'balanced';
  /** Extremely randomised trees: one random threshold a column and split, the best of those taken. Default false. */
  readonly extraTrees?: boolean;
}

export interface TrainingInput {
  /** Row-major, `count * width`; a NaN is a gap, no value is infinite. */
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
  /** Length `count`: index of the class, below `classes`. */
  readonly labels: Int32Array;
  readonly classes: number;
  readonly options?: ForestOptions;
  /** Threads that grow trees, this one included. Default: one a core, but only this one where the data is small. */
  readonly threads?: number;
  /** Called on this thread as trees are finished. */
  readonly onProgress?: (progress: { readonly trees: number; readonly of: number }) => void;
}

export interface TrainedForest {
  readonly forest: Forest;
  /** One a column, summing to one: how much its splits lower the impurity, weighted by the rows that reach them. */
  readonly importance: Float64Array;
}

/** Below this many cells times trees a second thread costs more than it saves. */
const smallWork = 2e7;

/**
 * Trains a random forest: CART trees on bootstrap samples, columns sampled anew at every split.
 *
 * Breiman, L. (2001). Random Forests. Machine Learning 45.
 *
 * @throws GaplineError `data-invalid` where there are no rows, a value is infinite or a label is no class
 */
export async function trainForest(input: TrainingInput): Promise<TrainedForest> {
  check(input);
  const { count, width, classes } = input;
  const job = jobOf(input);
  const threads = input.threads ?? (count * width * job.trees < smallWork ? 1 : availableParallelism());
  const trees = await growOnThreads(job, Math.min(threads, job.trees), input.onProgress);
  const forest: Forest = { task: 'classification', width, outputs: classes, trees };
  return { forest, importance: impurityImportance(forest) };
}

function jobOf({ values, count, width, labels, classes, options = {} }: TrainingInput): ForestJob {
  const { extraTrees = false } = options;
  const shared = new Uint16Array(new SharedArrayBuffer(count * 2));
  shared.set(labels);
  return {
    columns: binColumns(values, count, width, labels, classes),
    labels: shared,
    classWeights: classWeightsOf(labels, classes, options.classWeights),
    trees: options.trees ?? 100,
    seed: options.seed ?? 1,
    maxDepth: options.maxDepth ?? Infinity,
    minSamplesLeaf: options.minSamplesLeaf ?? 1,
    maxFeatures: columnsTried(width, options.maxFeatures ?? 'sqrt'),
    bootstrap: options.bootstrap ?? !extraTrees,
    extraTrees,
    nextTree: new Int32Array(new SharedArrayBuffer(4)),
  };
}

function columnsTried(width: number, wanted: number | 'sqrt' | 'log2' | 'all'): number {
  if (wanted === 'all') return width;
  if (wanted === 'sqrt') return Math.max(1, Math.floor(Math.sqrt(width)));
  if (wanted === 'log2') return Math.max(1, Math.floor(Math.log2(width)));
  return Math.min(width, Math.max(1, Math.floor(wanted < 1 ? wanted * width : wanted)));
}

function classWeightsOf(labels: Int32Array, classes: number, wanted: ForestOptions['classWeights']): Float64Array {
  if (wanted !== 'balanced') return Float64Array.from(wanted ?? new Array<number>(classes).fill(1));
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]!++;
  return counts.map((rows) => (rows > 0 ? labels.length / (classes * rows) : 0));
}

async function growOnThreads(
  job: ForestJob,
  threads: number,
  onProgress: TrainingInput['onProgress'],
): Promise<Tree[]> {
  const trees = new Array<Tree>(job.trees);
  let finished = 0;
  const keep = (grown: { number: number; tree: Tree }) => {
    trees[grown.number] = grown.tree;
    onProgress?.({ trees: ++finished, of: job.trees });
  };
  const others = Array.from({ length: threads - 1 }, () => growInWorker(job, keep));
  try {
    for (const grown of growTrees(job)) {
      keep(grown);
      if (onProgress || others.length > 0) await nextTurn();
    }
  } finally {
    await Promise.all(others);
  }
  return trees;
}

function growInWorker(job: ForestJob, keep: (grown: { number: number; tree: Tree }) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL('./train-worker.ts', import.meta.url), { workerData: job });
  worker.on('message', keep);
  worker.on('error', reject);
  worker.on('exit', resolve);
  return promise;
}

/** Mean decrease in impurity, as scikit-learn's `feature_importances_`. */
function impurityImportance({ trees, width }: Forest): Float64Array {
  const importance = new Float64Array(width);
  for (const tree of trees) {
    const ofTree = new Float64Array(width);
    for (let node = 0; node < tree.feature.length; node++) {
      if (tree.feature[node]! >= 0) ofTree[tree.feature[node]!]! += tree.gain[node]! * tree.weight[node]!;
    }
    const whole = ofTree.reduce((sum, share) => sum + share, 0);
    if (whole > 0) for (let feature = 0; feature < width; feature++) importance[feature]! += ofTree[feature]! / whole;
  }
  const whole = importance.reduce((sum, share) => sum + share, 0);
  return whole > 0 ? importance.map((share) => share / whole) : importance;
}

function check({ values, count, width, labels, classes }: TrainingInput): void {
  const fail = (why: string) => new GaplineError('data-invalid', `A forest cannot be trained: ${why}.`);
  if (count < 1 || width < 1) throw fail(`there are ${count} rows of ${width} columns`);
  if (values.length < count * width || labels.length < count) throw fail('there are fewer values or labels than rows');
  for (let row = 0; row < count; row++) {
    if (!(labels[row]! >= 0 && labels[row]! < classes)) throw fail(`the label of row ${row} is no class`);
  }
  const infinite = values.findIndex((value) => value === Infinity || value === -Infinity);
  if (infinite >= 0) throw fail(`row ${Math.floor(infinite / width)}, column ${infinite % width} is infinite`);
}
