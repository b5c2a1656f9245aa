import { type LibraryForest, writeLibraryForest } from '../core/model/forest/library-json.ts';
import { trainForest } from '../core/model/forest/train.ts';
import { type FittedImputer, fitImputer, type ImputerSpec, openImputer } from '../core/model/impute/fitted.ts';
import { trainWithLibrary } from './library.ts';
import { batchesOf, type LabelledRows } from './rows.ts';

/** How a model is made. */
export interface TrainingOptions {
  readonly imputer: ImputerSpec;
  readonly trees: number;
  readonly seed: number;
  /** Who trains and predicts. */
  readonly engine: 'gapline' | 'ml-random-forest';
  readonly voting: 'mean' | 'majority';
}

/** What was learnt: the parts of a manifest, and the estimator's file before it is packed. */
export interface Fitted {
  readonly imputer: FittedImputer;
  readonly engine: TrainingOptions['engine'];
  readonly voting: TrainingOptions['voting'];
  readonly forest: LibraryForest;
}

export interface FitInput {
  readonly rows: LabelledRows;
  readonly classes: number;
  readonly options: TrainingOptions;
  readonly onProgress?: (progress: { readonly trees: number; readonly of: number }) => void;
}

/** Fits the imputer, fills the rows with it, and trains the estimator on them. The same input gives the same result. */
export async function fitModel({ rows, classes, options, onProgress }: FitInput): Promise<Fitted> {
  const { trees, seed, engine } = options;
  const imputer = fitImputer(rows, options.imputer);
  const { count, width, labels } = rows;
  const values = fillRows(imputer, rows);
  if (engine === 'ml-random-forest') {
    const forest = await trainWithLibrary({ values, labels, count, width, trees, seed });
    return { imputer, engine, voting: 'majority', forest };
  }
  const { forest } = await trainForest({
    values,
    labels,
    count,
    width,
    classes,
    options: { trees, seed },
    ...(onProgress && { onProgress }),
  });
  return { imputer, engine, voting: options.voting, forest: writeLibraryForest(forest, { seed }) };
}

function fillRows(fitted: FittedImputer, rows: LabelledRows): Float64Array {
  const session = openImputer(fitted).open();
  const filled = new Float64Array(rows.values.length);
  for (const batch of batchesOf(rows)) {
    const into = filled.subarray(batch.first * rows.width, (batch.first + batch.count) * rows.width);
    session.fill(batch, into)?.();
  }
  return filled;
}
