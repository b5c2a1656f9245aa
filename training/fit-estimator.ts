import { trainBoosted } from '../core/model/forest/boost.ts';
import { writeBoosted } from '../core/model/forest/boosted-json.ts';
import { importanceByField, impurityImportance } from '../core/model/forest/importance.ts';
import { writeLibraryForest } from '../core/model/forest/library-json.ts';
import { trainForest } from '../core/model/forest/train.ts';
import { classWeightsOf } from '../core/model/forest/training-data.ts';
import { fitRidge } from '../core/model/linear/ridge.ts';
import { writeRidge } from '../core/model/linear/ridge-json.ts';
import type { Manifest, Metrics } from '../core/model/manifest.ts';
import { fitRocket, RocketTransform } from '../core/model/series/rocket.ts';
import { writeRocket } from '../core/model/series/rocket-json.ts';
import { defaultFeatures, planRocket } from '../core/model/series/rocket-plan.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { FitInput } from './fit-input.ts';
import { trainWithLibrary } from './library.ts';
import { type TrainingOptions, takesSeries } from './options.ts';

/** Rows as the estimator gets them from the imputer, all masked copies of them. */
export interface EstimatorInput {
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly width: number;
}

/** What predicts: its part of a manifest, and its file before it is packed. */
export interface FittedEstimator {
  readonly estimator: Manifest['estimator'] & { readonly file: string };
  readonly json: unknown;
  /** By field, summing to one: how much of the impurity its splits take away. Only of trees that we grew. */
  readonly importance?: number[];
  readonly outOfBag?: Metrics['outOfBag'];
}

const forestFile = 'forest.json.gz';
const boostedFile = 'boosted.json.gz';
const ridgeFile = 'ridge.json.gz';
const rocketFile = 'rocket.json.gz';

/** @throws {GaplineError} `config-invalid` where options do not go together */
export function checkEstimator({
  engine,
  estimator = 'trees',
  imputer,
  boosted,
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
  if (takesSeries(estimator) && imputer.kind !== 'passthrough')
    fail(`training.estimator ${estimator} takes gaps itself: leave training.imputer out`);
  if (takesSeries(estimator) && indicators)
    fail(`training.estimator ${estimator} sees gaps itself: leave training.indicators out`);
  if (takesSeries(estimator) && neighbours)
    fail(`training.neighbours compares rows, not series: leave it out beside estimator ${estimator}`);
  if (estimator === 'ridge' && imputer.kind === 'passthrough')
    fail('training.estimator ridge takes no gaps: choose another imputer than passthrough');
  if (estimator !== 'trees' && boosted)
    fail(`training.boosted is for trees: leave it out beside estimator ${estimator}`);
}

/** Trains what predicts. The same input gives the same result, unless time is up. */
export async function fitEstimator(input: FitInput, data: EstimatorInput): Promise<FittedEstimator> {
  const { options } = input;
  if (options.estimator === 'ridge') return fitLinear(input, data);
  if (options.estimator === 'rocket') return fitSeries(input, data);
  if (options.engine === 'ml-random-forest') return fitLibrary(input, data);
  return options.boosted ? fitBoosted(input, data, options.boosted) : fitForest(input, data);
}

function fitLinear({ classes, options }: FitInput, data: EstimatorInput): FittedEstimator {
  const { labels, count } = data;
  const classWeights = classWeightsOf({ labels, count, classes, ...(options.forest && { options: options.forest }) });
  return {
    estimator: { kind: 'ridge', file: ridgeFile },
    json: writeRidge(fitRidge({ ...data, classes, classWeights })),
  };
}

function fitSeries(input: FitInput, data: EstimatorInput): FittedEstimator {
  const { classes, options, series = { channels: 1, length: data.width } } = input;
  const { features = defaultFeatures, seed } = options;
  const { labels, count } = data;
  const rocket = fitRocket(planRocket(series, features, seed), data.values, count, seed);
  const values = new RocketTransform(rocket).transform(data.values, count);
  const classWeights = classWeightsOf({ labels, count, classes, ...(options.forest && { options: options.forest }) });
  const ridge = fitRidge({ values, count, width: rocket.plan.features, labels, classes, classWeights });
  return { estimator: { kind: 'rocket', file: rocketFile }, json: writeRocket(rocket, ridge) };
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
  const { trees, seed, engine } = options;
  const forest = await trainBoosted({ ...data, classes, options: { ...boosted, trees, seed }, ...treesDone(input) });
  return {
    estimator: { kind: 'forest', file: boostedFile, engine, voting: 'mean' },
    json: writeBoosted(forest),
    importance: importanceByField(impurityImportance(forest), rows.width),
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
