import { trainBoosted } from '../core/model/forest/boost.ts';
import { writeBoosted } from '../core/model/forest/boosted-json.ts';
import { importanceByField, impurityImportance } from '../core/model/forest/importance.ts';
import { writeLibraryForest } from '../core/model/forest/library-json.ts';
import { type Snapshots, trainSnapshots } from '../core/model/forest/snapshots.ts';
import { writeSnapshots } from '../core/model/forest/snapshots-json.ts';
import { trainForest } from '../core/model/forest/train.ts';
import { classWeightsOf } from '../core/model/forest/training-data.ts';
import { fitRidge } from '../core/model/linear/ridge.ts';
import { writeRidge } from '../core/model/linear/ridge-json.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { FitInput } from './fit-input.ts';
import { fitSeries, onPartOf } from './fit-series.ts';
import type { EstimatorInput, FittedEstimator } from './fitted-estimator.ts';
import { trainWithLibrary } from './library.ts';
import { type TrainingOptions, takesSeries } from './options.ts';

const forestFile = 'forest.json.gz';
const boostedFile = 'boosted.json.gz';
const snapshotsFile = 'snapshots.json.gz';
const ridgeFile = 'ridge.json.gz';

/** @throws {GaplineError} `config-invalid` where options do not go together */
export function checkEstimator({
  engine,
  estimator = 'trees',
  imputer,
  boosted,
  snapshots = 0,
  trees,
  indicators,
  neighbours,
}: TrainingOptions): void {
  const fail = (detail: string): never => {
    throw new GaplineError('config-invalid', detail);
  };
  if (engine === 'ml-random-forest') {
    const library = `engine ${engine}`;
    if (estimator !== 'trees') fail(`${library} grows forests only: leave training.estimator out`);
    if (imputer.kind === 'passthrough') fail(`${library} takes no gaps: choose another imputer than passthrough`);
    if (boosted) fail(`${library} grows forests only: leave training.boosted out`);
  }
  if (takesSeries(estimator) && indicators)
    fail(`training.estimator ${estimator} takes samples, not indicators: leave training.indicators out`);
  if (takesSeries(estimator) && neighbours)
    fail(`training.neighbours compares rows, not series: leave it out beside estimator ${estimator}`);
  if (estimator === 'ridge' && imputer.kind === 'passthrough')
    fail('training.estimator ridge takes no gaps: choose another imputer than passthrough');
  if (snapshots > 0 && !boosted)
    fail('training.snapshots are boosted models: set training.boosted to true, or leave snapshots out');
  if (snapshots > 0 && (boosted?.models ?? 1) > 1)
    fail('training.models are runs of their own, training.snapshots come out of one: leave one of them out');
  if (snapshots > trees) fail(`training.snapshots: ${snapshots} models need as many trees or more, not ${trees}`);
  if (estimator !== 'trees' && boosted)
    fail(`training.boosted is for trees: leave it out beside estimator ${estimator}`);
}

/** Trains what predicts. The same input gives the same result, unless time is up. */
export async function fitEstimator(input: FitInput, data: EstimatorInput): Promise<FittedEstimator> {
  const { options } = input;
  if (options.estimator === 'ridge') return fitLinear(input, data);
  if (options.estimator && takesSeries(options.estimator)) return fitSeries({ ...input, data });
  if (options.engine === 'ml-random-forest') return fitLibrary(input, data);
  return options.boosted ? fitBoosted(input, data, options.boosted) : fitForest(input, data);
}

function fitLinear({ classes, options, onProgress }: FitInput, data: EstimatorInput): FittedEstimator {
  const classWeights = classWeightsOf({ ...data, classes }, options.forest?.classWeights);
  return {
    estimator: { kind: 'ridge', file: ridgeFile },
    json: writeRidge(fitRidge({ ...data, classes, classWeights, ...onPartOf(onProgress) })),
  };
}

async function fitLibrary({ options }: FitInput, data: EstimatorInput): Promise<FittedEstimator> {
  const { trees, seed, engine } = options;
  return {
    estimator: { kind: 'forest', file: forestFile, engine, voting: 'majority' },
    json: await trainWithLibrary({ ...data, trees, seed }),
  };
}

/** Hands the progress of trees on, and when to end. */
const treesDone = ({ onProgress: report, isTimeUp }: FitInput) => ({
  isTimeUp,
  ...(report && {
    onProgress: (now: { trees: number; of: number }) => report({ of: 'trees', done: now.trees, all: now.of }),
  }),
});

async function fitBoosted(
  input: FitInput,
  data: EstimatorInput,
  boosted: NonNullable<TrainingOptions['boosted']>,
): Promise<FittedEstimator> {
  const { rows, classes, options } = input;
  const { trees, seed, engine, snapshots = 0 } = options;
  const boosting = { ...data, classes, options: { ...boosted, trees, seed }, ...treesDone(input) };
  if (snapshots > 0) return withImportance(await trainSnapshots(boosting, snapshots), rows.width);
  const forest = await trainBoosted(boosting);
  return {
    estimator: { kind: 'forest', file: boostedFile, engine, voting: 'mean' },
    json: writeBoosted(forest),
    importance: importanceByField(impurityImportance(forest), rows.width),
  };
}

/** The splits of all cycles count: those of an early one also serve the models after it. */
function withImportance(snapshots: Snapshots, width: number): FittedEstimator {
  const { base, cycles } = snapshots;
  const boosting = { base, link: 'softmax' } as const;
  const trees = { ...snapshots, task: 'classification', outputs: base.length, trees: cycles.flat(), boosting } as const;
  return {
    estimator: { kind: 'snapshots', file: snapshotsFile },
    json: writeSnapshots(snapshots),
    importance: importanceByField(impurityImportance(trees), width),
  };
}

async function fitForest(input: FitInput, data: EstimatorInput): Promise<FittedEstimator> {
  const { rows, classes, options, threads } = input;
  const { trees, seed, engine, voting } = options;
  const scored = input.outOfBag === true && (options.copies ?? []).length < 2;
  const { forest, importance, outOfBag } = await trainForest({
    ...data,
    classes,
    options: { ...options.forest, trees, seed, outOfBag: scored },
    ...(threads !== undefined && { threads }),
    ...treesDone(input),
  });
  return {
    estimator: { kind: 'forest', file: forestFile, engine, voting },
    json: writeLibraryForest(forest, { seed }),
    importance: importanceByField(importance, rows.width),
    ...(outOfBag && outOfBag.rows > 0 && { outOfBag: { accuracy: outOfBag.score, rows: outOfBag.rows } }),
  };
}
