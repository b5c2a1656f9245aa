import { classWeightsOf } from '../core/model/forest/training-data.ts';
import { fitRidge } from '../core/model/linear/ridge.ts';
import { meansOf } from '../core/model/series/deciding.ts';
import { fitRocket, RocketTransform } from '../core/model/series/rocket.ts';
import { writeRocket } from '../core/model/series/rocket-json.ts';
import { defaultFeatures, planRocket } from '../core/model/series/rocket-plan.ts';
import type { SeriesShape } from '../core/model/series/shape.ts';
import { defaultLengths, defaultShapelets, fitShapelets } from '../core/model/series/shapelet-fit.ts';
import { writeShapelets } from '../core/model/series/shapelet-json.ts';
import { ShapeletTransform } from '../core/model/series/shapelets.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { FitInput, FitProgress } from './fit-input.ts';
import type { EstimatorInput, FittedEstimator } from './fitted-estimator.ts';

interface SeriesInput extends FitInput {
  readonly data: EstimatorInput;
}

/**
 * Learns what turns whole series into features, and a ridge classifier on these.
 * @throws {GaplineError} `data-invalid` where series are too short, or hold nothing
 */
export function fitSeries(input: SeriesInput): FittedEstimator {
  const shape = input.series ?? { channels: 1, length: input.data.width };
  try {
    return input.options.estimator === 'rocket' ? withRocket(input, shape) : withShapelets(input, shape);
  } catch (error) {
    if (error instanceof RangeError) throw new GaplineError('data-invalid', error.message, { cause: error });
    throw error;
  }
}

function withRocket(input: SeriesInput, shape: SeriesShape): FittedEstimator {
  const { values, count } = input.data;
  const { features = defaultFeatures, seed } = input.options;
  const rocket = fitRocket(planRocket(shape, features, seed), values, count, seed, toldOf(input, 'kernels'));
  const { ridge } = ridgeOn(input, new RocketTransform(rocket));
  return { estimator: { kind: 'rocket', file: 'rocket.json.gz' }, json: writeRocket(rocket, ridge) };
}

function withShapelets(input: SeriesInput, shape: SeriesShape): FittedEstimator {
  const { values, labels, count } = input.data;
  const { seed, shapelets = { count: defaultShapelets, lengths: defaultLengths, dilated: true } } = input.options;
  const onShapelet = toldOf(input, 'shapelets');
  const set = fitShapelets({
    ...{ ...shape, values, labels, count },
    options: { ...shapelets, seed },
    ...(onShapelet && { onShapelet }),
  });
  const { ridge, means } = ridgeOn(input, new ShapeletTransform(set));
  return { estimator: { kind: 'shapelets', file: 'shapelets.json.gz' }, json: writeShapelets(set, ridge, means) };
}

function ridgeOn(input: SeriesInput, transform: RocketTransform | ShapeletTransform) {
  const { data, classes, options, onProgress } = input;
  const { labels, count } = data;
  const classWeights = classWeightsOf({ labels, count, classes }, options.forest?.classWeights);
  const values = transform.transform(data.values, count, { onWindow: toldOf(input, 'windows') });
  const width = transform.features;
  const ridge = fitRidge({ values, count, width, labels, classes, classWeights, ...onPartOf(onProgress) });
  return { ridge, means: meansOf(values, count, width) };
}

/** Hands the progress of one part of the fit on. */
function toldOf({ onProgress }: Pick<FitInput, 'onProgress'>, of: FitProgress['of']) {
  return onProgress && ((done: number, all: number) => onProgress({ of, done, all }));
}

/** Hands the progress of a ridge classifier on. */
export function onPartOf(onProgress: FitInput['onProgress']) {
  const onPart = toldOf({ ...(onProgress && { onProgress }) }, 'ridge parts');
  return onPart ? { onPart } : {};
}
