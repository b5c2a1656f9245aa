import { withIndicators } from '../core/model/assemble.ts';
import { classWeightsOf } from '../core/model/forest/training-data.ts';
import { fitImputer, openImputer } from '../core/model/impute/fitted.ts';
import type { Manifest } from '../core/model/manifest.ts';
import { fitNeighbours } from '../core/model/neighbours/neighbours.ts';
import { type NeighboursFile, writeNeighbours } from '../core/model/neighbours/neighbours-json.ts';
import { checkEstimator, fitEstimator } from './fit-estimator.ts';
import type { FitInput } from './fit-input.ts';
import type { EstimatorInput, FittedEstimator } from './fitted-estimator.ts';
import { maskValues } from './mask.ts';
import type { TrainingOptions } from './options.ts';
import { batchesOf, type LabelledRows } from './rows.ts';

export type { FitInput, FitProgress } from './fit-input.ts';
export type { TrainingOptions } from './options.ts';

/** What was learnt: the parts of a manifest, and files before they are packed. */
export interface FittedModel extends FittedEstimator {
  readonly imputer: Manifest['imputer'];
  readonly neighbours?: { readonly share: number; readonly json: NeighboursFile };
}

/** Fits the imputer, fills the rows with it, and trains on them what predicts. The same input gives the same result, unless time is up. */
export async function fitModel(input: FitInput): Promise<FittedModel> {
  const { options } = input;
  checkEstimator(options);
  const imputer = fitGaps(input);
  const fitted = { imputer, ...(await fitEstimator(input, estimatorInput(input, imputer))) };
  if (!options.neighbours) return fitted;
  return { ...fitted, neighbours: await fitReferenceSet(input, imputer, options.neighbours) };
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
function estimatorInput(input: FitInput, imputer: Manifest['imputer']): EstimatorInput {
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
  const { rows, classes, options, onProgress, isTimeUp } = input;
  const { count, width, labels } = rows;
  const filler = imputer.kind === 'passthrough' ? fitImputer(rows, { kind: 'mean' }) : imputer;
  const { classWeights } = options.boosted ?? options.forest ?? {};
  const fitted = await fitNeighbours({
    ...how,
    rows: { count, width, values: fillRows(openImputer(filler), rows) },
    copies: versionsOf(input).map(({ values }) => values),
    labels,
    classes,
    classWeights: classWeightsOf({ labels, count, classes }, classWeights),
    seed: options.seed,
    isTimeUp,
    ...(onProgress && { onStep: (done, all) => onProgress({ of: 'steps', done, all }) }),
  });
  return { share, json: writeNeighbours(fitted) };
}

function fitGaps({ rows, options: { imputer }, series }: FitInput): Manifest['imputer'] {
  if (imputer.kind === 'passthrough') return imputer;
  const shape = imputer.kind === 'linear' && series ? { length: series.length } : {};
  return fitImputer(rows, { ...imputer, ...shape });
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
