import type { Forest } from './forest.ts';

export interface ForestOptions {
  /** Default 100. */
  readonly trees?: number;
  /** The same seed, data and options give the same forest, whatever the number of threads. Default 1. */
  readonly seed?: number;
  /** Default: none, trees grow until their leaves are pure. */
  readonly maxDepth?: number;
  /** Default 1. */
  readonly minSamplesLeaf?: number;
  /** Columns tried at each split. Default `sqrt`; a number below 1 is a share of the columns. */
  readonly maxFeatures?: number | 'sqrt' | 'log2' | 'all';
  /** Each tree sees as many rows as there are, drawn with replacement. Default true, false for extra trees. */
  readonly bootstrap?: boolean;
  /** One a class, or `balanced`: inversely to how often the class occurs. Default all alike. */
  readonly classWeights?: readonly number[] | 'balanced';
  /** Extremely randomised trees: one random threshold a column and split, the best of those taken. Default false. */
  readonly extraTrees?: boolean;
}

export interface TrainingInput {
  /** Row-major, `count * width`; a NaN is a gap. */
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
  /** Length `count`: index of the class, below `classes`. */
  readonly labels: Int32Array;
  readonly classes: number;
  readonly options?: ForestOptions;
  /** Worker threads, this one included. Default: as many as the machine has cores, one where the data is small. */
  readonly threads?: number;
  /** Called on this thread as trees are finished. */
  readonly onProgress?: (progress: { readonly trees: number; readonly of: number }) => void;
}

export interface TrainedForest {
  readonly forest: Forest;
  /** Accuracy over the rows that at least one tree did not see, by those trees; undefined without bootstrap. */
  readonly outOfBag?: { readonly score: number; readonly rows: number };
  /** One a column, summing to one: how much its splits lower the impurity, weighted by the rows that reach them. */
  readonly importance: Float64Array;
}
