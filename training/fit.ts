import { withIndicators } from '../core/model/assemble.ts';
import { trainBoosted } from '../core/model/forest/boost.ts';
import { type BoostedFile, writeBoosted } from '../core/model/forest/boosted-json.ts';
import { importanceByField, impurityImportance } from '../core/model/forest/importance.ts';
import { type LibraryForest, writeLibraryForest } from '../core/model/forest/library-json.ts';
import { trainForest } from '../core/model/forest/train.ts';
import { classWeightsOf } from '../core/model/forest/training-data.ts';
import { fitImputer, openImputer } from '../core/model/impute/fitted.ts';
import type { Manifest, Metrics } from '../core/model/manifest.ts';
import { fitNeighbours } from '../core/model/neighbours/neighbours.ts';
import { type NeighboursFile, writeNeighbours } from '../core/model/neighbours/neighbours-json.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { trainWithLibrary } from './library.ts';
import { maskValues } from './mask.ts';
import type { TrainingOptions } from './options.ts';
import { batchesOf, type LabelledRows } from './rows.ts';

export type { TrainingOptions } from './options.ts';

/** What was learnt: the parts of a manifest, and the estimator's file before it is packed. */
export interface FittedModel {
  readonly imputer: Manifest['imputer'];
  readonly engine: TrainingOptions['engine'];
  readonly voting: TrainingOptions['voting'];
  readonly forest: LibraryForest | BoostedFile;
  readonly neighbours?: { readonly share: number; readonly json: NeighboursFile };
  /** By field, summing to one: how much of the impurity its splits take away. The library does not report it. */
  readonly importance?: number[];
  readonly outOfBag?: Metrics['outOfBag'];
}

export interface FitInput {
  readonly rows: LabelledRows;
  readonly classes: number;
  readonly options: TrainingOptions;
  /** How copies are masked. Default: each value by itself, with the same probability. */
  readonly maskCopy?: (rows: LabelledRows, rate: number, seed: number) => LabelledRows;
  /** Whether to score a forest on the rows that its trees did not see. Not with several copies: a row is then in the bag by another of its copies. */
  readonly outOfBag?: boolean;
  /** Threads that grow trees. Default: as the trainer sees fit. */
  readonly threads?: number;
  readonly onProgress?: (progress: FitProgress) => void;
}

export interface FitProgress {
  /** Trees that were grown, or gradient steps of the learned metric. */
  readonly of: 'trees' | 'steps';
  readonly done: number;
  readonly all: number;
}

/** Fits the imputer, fills the rows with it, and trains on them what predicts. The same input gives the same result. */
export async function fitModel(input: FitInput): Promise<FittedModel> {
  const { rows, options } = input;
  if (options.engine === 'ml-random-forest') checkLibrary(options);
  const imputer = options.imputer.kind === 'passthrough' ? options.imputer : fitImputer(rows, options.imputer);
  const fitted = await fitTrees(input, imputer);
  if (!options.neighbours) return fitted;
  return { ...fitted, neighbours: await fitReferenceSet(input, imputer, options.neighbours) };
}

async function fitTrees(input: FitInput, imputer: Manifest['imputer']): Promise<FittedModel> {
  const { rows, classes, options, threads } = input;
  const { trees, seed, engine, voting } = options;
  const data = estimatorInput(input, imputer);
  const report = input.onProgress;
  const onProgress =
    report && ((now: { trees: number; of: number }) => report({ of: 'trees', done: now.trees, all: now.of }));
  if (engine === 'ml-random-forest')
    return { imputer, engine, voting: 'majority', forest: await trainWithLibrary({ ...data, trees, seed }) };
  if (options.boosted) {
    const boosting = { ...options.boosted, trees, seed };
    const forest = await trainBoosted({ ...data, classes, options: boosting, ...(onProgress && { onProgress }) });
    const importance = importanceByField(impurityImportance(forest), rows.width);
    return { imputer, engine, voting: 'mean', forest: writeBoosted(forest), importance };
  }
  const scored = input.outOfBag === true && (options.copies ?? []).length < 2;
  const { forest, importance, outOfBag } = await trainForest({
    ...data,
    classes,
    options: { ...options.forest, trees, seed, outOfBag: scored },
    ...(threads !== undefined && { threads }),
    ...(onProgress && { onProgress }),
  });
  const { width } = rows;
  return {
    imputer,
    engine,
    voting,
    forest: writeLibraryForest(forest, { seed }),
    importance: importanceByField(importance, width),
    ...(outOfBag && outOfBag.rows > 0 && { outOfBag: { accuracy: outOfBag.score, rows: outOfBag.rows } }),
  };
}

function checkLibrary({ imputer, boosted }: TrainingOptions): void {
  const fail = (detail: string): never => {
    throw new GaplineError('config-invalid', `engine ml-random-forest ${detail}`);
  };
  if (imputer.kind === 'passthrough') fail('takes no gaps: choose another imputer than passthrough');
  if (boosted) fail('grows forests only: leave training.boosted out');
}

/** What is learnt from: the rows as they are, or masked copies. Made anew each time: they are large. */
function versionsOf({
  rows,
  options: { copies = [], seed },
  maskCopy = maskValues,
}: FitInput): readonly LabelledRows[] {
  return copies.length === 0 ? [rows] : copies.map((rate, copy) => maskCopy(rows, rate, seed + copy + 1));
}

/** All versions, as the estimator gets them from the imputer. */
function estimatorInput(input: FitInput, imputer: Manifest['imputer']) {
  const { rows } = input;
  const { indicators = false } = input.options;
  const versions = versionsOf(input);
  const width = rows.width * (indicators ? 2 : 1);
  const count = rows.count * versions.length;
  const values = new Float64Array(count * width);
  const labels = new Int32Array(count);
  for (const [copy, version] of versions.entries()) {
    const filled = imputer.kind === 'passthrough' ? version.values : fillRows(openImputer(imputer), version);
    const wide = indicators ? withIndicators(filled, version, rows.count) : filled;
    values.set(wide, copy * wide.length);
    labels.set(rows.labels, copy * rows.count);
  }
  return { values, labels, count, width };
}

/** The reference set votes as it was measured; its own gaps are filled. */
async function fitReferenceSet(
  input: FitInput,
  imputer: Manifest['imputer'],
  { share, ...how }: NonNullable<TrainingOptions['neighbours']>,
) {
  const { rows, classes, options, onProgress } = input;
  const { count, width, labels } = rows;
  const filler = imputer.kind === 'passthrough' ? fitImputer(rows, { kind: 'mean' }) : imputer;
  const { classWeights } = options.boosted ?? options.forest ?? {};
  const fitted = await fitNeighbours({
    ...how,
    rows: { count, width, values: fillRows(openImputer(filler), rows) },
    copies: versionsOf(input).map(({ values }) => values),
    labels,
    classes,
    classWeights: classWeightsOf({ labels, count, classes, ...(classWeights && { options: { classWeights } }) }),
    seed: options.seed,
    ...(onProgress && { onStep: (done, all) => onProgress({ of: 'steps', done, all }) }),
  });
  return { share, json: writeNeighbours(fitted) };
}

function fillRows(imputer: ReturnType<typeof openImputer>, rows: LabelledRows): Float64Array {
  const session = imputer.open();
  const filled = new Float64Array(rows.values.length);
  for (const batch of batchesOf(rows)) {
    const into = filled.subarray(batch.first * rows.width, (batch.first + batch.count) * rows.width);
    session.fill(batch, into)?.();
  }
  return filled;
}
