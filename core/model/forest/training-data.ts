export interface ForestOptions {
  /** Default 100. */
  readonly trees?: number;
  /** The same seed, data and options give the same forest, whatever the number of threads. Default 1. */
  readonly seed?: number;
  /** Default: none, trees grow until their leaves are pure. */
  readonly maxDepth?: number;
  /** Rows, as drawn. Default 1. */
  readonly minSamplesLeaf?: number;
  /** Columns tried at each split: a number, or below 1 a share of them. Default `sqrt`, in regression `all`. */
  readonly maxFeatures?: number | 'sqrt' | 'log2' | 'all';
  /** Each tree sees as many rows as there are, drawn with replacement. Default true, false for extra trees. */
  readonly bootstrap?: boolean;
  /** What a row counts, by class, or `balanced`: inversely to how often the class occurs. Default all alike. */
  readonly classWeights?: readonly number[] | 'balanced';
  /** Extremely randomised trees: one random threshold a column and split, the best of those taken. Default false. */
  readonly extraTrees?: boolean;
  /** Whether to score the forest on the rows that its trees did not see. Needs bootstrap. Default false. */
  readonly outOfBag?: boolean;
}

export interface TrainingData {
  /** Row-major, `count * width`; a NaN is a gap, no value is infinite. */
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
  readonly options?: ForestOptions;
  /** Threads that grow trees, this one included. Default: one a core, but only this one where the data is small. */
  readonly threads?: number;
  /** Called on this thread as trees are finished. */
  readonly onProgress?: (progress: { readonly trees: number; readonly of: number }) => void;
  /** Asked after each tree: once it is true no further one is begun, and those that were grown are the model. */
  readonly isTimeUp?: (() => boolean) | undefined;
  /** Numbers in the nodes of all trees together; a forest of more is refused. Default: as many as its file can hold. */
  readonly mostSize?: number;
}

export interface Classification extends TrainingData {
  /** Length `count`: index of the class, below `classes`. */
  readonly labels: Int32Array;
  readonly classes: number;
}

export interface Regression extends TrainingData {
  /** Length `count`: what is to be predicted. */
  readonly targets: Float64Array;
}

/** What a row counts, by class: as is wanted, or one each. */
export function classWeightsOf(
  { labels, count, classes }: Pick<Classification, 'labels' | 'count' | 'classes'>,
  wanted: ForestOptions['classWeights'],
): readonly number[] {
  if (wanted !== 'balanced') return wanted ?? new Array<number>(classes).fill(1);
  const rows = new Array<number>(classes).fill(0);
  for (const label of labels.subarray(0, count)) rows[label]!++;
  return rows.map((ofClass) => (ofClass > 0 ? count / (classes * ofClass) : 0));
}
