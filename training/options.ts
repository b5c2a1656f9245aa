import { z } from 'zod';
import type { BoostingOptions } from '../core/model/forest/boost.ts';
import type { ForestOptions } from '../core/model/forest/training-data.ts';
import { type ImputerSpec, imputerNames, imputerSettings, imputerSpec } from '../core/model/impute/fitted.ts';
import type { TransformKind } from '../core/model/impute/schema.ts';
import { defaultLengths, defaultShapelets, type ShapeletOptions } from '../core/model/series/shapelet-fit.ts';
import { elementAt } from '../core/numeric/element.ts';

const share = z.number().min(0).max(1);

/** How a new version of a model is made: the `training` part of stream.yaml. Every option is declared here once. */
export const trainingSchema = z.strictObject({
  imputer: z
    .enum([...imputerNames, 'passthrough'])
    .default('mean')
    .describe(
      'what fills gaps before the estimator sees a row; gaussian: the conditional mean; passthrough: the forest takes them',
    ),
  ...imputerSettings,
  indicators: z
    .boolean()
    .default(false)
    .describe('missing indicators: the forest gets for each value whether it was missing'),
  copies: z
    .int()
    .min(0)
    .max(50)
    .default(0)
    .describe(
      'augmentation: train from as many masked copies of the data, with values removed at random; 0: from the data as it is',
    ),
  copyGaps: z
    .array(share)
    .min(1)
    .max(50)
    .default([0, 0.1, 0.3, 0.5])
    .describe('the share of values that is masked in each copy, taken in turn'),
  maxGaps: z
    .int()
    .min(0)
    .max(5_000)
    .optional()
    .describe(
      'a reading with more gaps than this gets the label unknown; default: learnt, the number at which labels become no better than the most frequent one',
    ),
  estimator: z
    .enum(['trees', 'ridge', 'rocket', 'shapelets'])
    .default('trees')
    .describe(
      'what predicts: trees, a forest or, with `boosted`, boosted ones; ridge, a linear classifier whose penalty is chosen by leave-one-out; rocket, ridge on how often thousands of random convolutions of a series exceed a bias (MiniRocket), gaps bridged by lines; shapelets, ridge on how well short pieces of training series fit (RDST)',
    ),
  features: z
    .int()
    .min(84)
    .max(50_000)
    .default(10_000)
    .describe('of rocket: how many convolutions are compared with a bias'),
  shapelets: z.int().min(1).max(50_000).default(defaultShapelets).describe('of shapelets: how many are drawn at most'),
  shapeletLengths: z
    .array(z.int().min(2).max(10_000))
    .min(1)
    .max(100)
    .default([...defaultLengths])
    .describe(
      'of shapelets: how many samples one has; of several each draws one, and those that are longer than a window are left out',
    ),
  dilated: z
    .boolean()
    .default(true)
    .describe("of shapelets: whether a shapelet's samples may be further apart than those of the series"),
  trees: z.int().min(1).max(10_000).default(100).describe('trees of the forest; with `boosted`, for each class'),
  seed: z.int().min(0).max(4_294_967_295).default(1).describe('the same seed and data make the same model'),
  boosted: z
    .boolean()
    .default(false)
    .describe('gradient boosted trees in place of a forest: each fits the residual errors of those before it'),
  learningRate: z
    .number()
    .min(0.001)
    .max(1)
    .default(0.1)
    .describe('with `boosted`: the shrinkage of each tree; a lower rate needs more trees'),
  models: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('with `boosted`: as many models are trained, each with a random seed of its own, and averaged'),
  snapshots: z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe(
      'with `boosted`: a snapshot ensemble of as many models out of one run, their probabilities averaged; the learning rate falls by a cosine and rises again for each, and `trees` are all of them together. 0: one model; 5 is usual',
    ),
  extraTrees: z
    .boolean()
    .default(false)
    .describe('of a forest: extremely randomised trees, one random threshold a column and split'),
  maxDepth: z.int().min(1).max(1_000).optional().describe('of a tree of a forest; default: until its leaves are pure'),
  minSamplesLeaf: z.int().min(1).max(1_000_000).default(1).describe('rows that a leaf of a forest needs'),
  maxFeatures: z
    .union([z.enum(['sqrt', 'log2', 'all']), z.int().min(1)])
    .default('sqrt')
    .describe('columns that a forest tries at each split: `sqrt` or `log2` of all, `all`, or a number'),
  neighbours: share
    .default(0)
    .describe(
      'the ensemble weight of the nearest training rows, by a learned metric over what was measured, where nothing is missing (it grows with the gaps); the trees have the rest. 0: none; 0.35 is a good start',
    ),
  classWeights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced: a rare class counts as much as a common one'),
  engine: z
    .enum(['gapline', 'ml-random-forest'])
    .default('gapline')
    .describe('who trains and predicts: Gapline itself, or the library (slow)'),
  voting: z
    .enum(['mean', 'majority'])
    .default('mean')
    .describe("mean: of the leaves' distributions; majority: one vote a tree, as ml-random-forest predicts"),
});

/** `training` of stream.yaml, with every default filled in. */
export type TrainingConfig = z.output<typeof trainingSchema>;

/** How a model is made. */
export interface TrainingOptions {
  readonly imputer: ImputerSpec | { readonly kind: 'passthrough' };
  /** Of rocket. Default: 10,000. */
  readonly features?: number;
  readonly shapelets?: Omit<ShapeletOptions, 'seed'>;
  /** Default: trees. */
  readonly estimator?: TrainingConfig['estimator'];
  readonly trees: number;
  readonly seed: number;
  /** Who trains and predicts. */
  readonly engine: 'gapline' | 'ml-random-forest';
  readonly voting: 'mean' | 'majority';
  readonly indicators?: boolean;
  /** Train from masked copies, each with the next of these shares of values removed at random; empty: from the rows as they are. */
  readonly copies?: readonly number[];
  readonly maxGaps?: number;
  /** Boosted trees in place of a forest, with these options beside trees and seed. */
  readonly boosted?: Omit<BoostingOptions, 'trees' | 'seed'>;
  /** With `boosted`: so many models out of one run. */
  readonly snapshots?: number;
  /** Training rows that vote beside the trees. `share` is their ensemble weight where nothing is missing; it grows with the gaps. */
  readonly neighbours?: { readonly share: number; readonly transform?: TransformKind; readonly steps?: number };
  /** Of the forest, beside trees and seed. Not for the library. */
  readonly forest?: Omit<ForestOptions, 'trees' | 'seed'>;
}

/** Estimators of whole series, to which neighbouring columns are neighbouring samples. */
export const takesSeries = (estimator: TrainingConfig['estimator']): boolean =>
  estimator === 'rocket' || estimator === 'shapelets';

/** Before an estimator of series the default imputer gives way to lines between the samples. */
function imputerOf(config: TrainingConfig): TrainingOptions['imputer'] {
  const { imputer, estimator } = config;
  if (imputer === 'passthrough') return { kind: imputer };
  return imputerSpec(imputer === 'mean' && takesSeries(estimator) ? 'linear' : imputer, config);
}

/** The options that `training` of stream.yaml stands for. */
export function trainingOptions(config: TrainingConfig): TrainingOptions {
  const { estimator, trees, seed, engine, voting, indicators, copies, copyGaps, maxGaps } = config;
  const { boosted, neighbours, learningRate, models, snapshots, extraTrees, maxDepth, minSamplesLeaf, maxFeatures } =
    config;
  const classWeights = config.classWeights === 'balanced' ? ({ classWeights: 'balanced' } as const) : {};
  return {
    imputer: imputerOf(config),
    ...(estimator !== 'trees' && { estimator }),
    ...(estimator === 'rocket' && { features: config.features }),
    ...(estimator === 'shapelets' && {
      shapelets: { count: config.shapelets, lengths: config.shapeletLengths, dilated: config.dilated },
    }),
    trees,
    seed,
    engine,
    voting,
    indicators,
    copies: Array.from({ length: copies }, (_, copy) => elementAt(copyGaps, copy % copyGaps.length)),
    ...(maxGaps !== undefined && { maxGaps }),
    forest: {
      extraTrees,
      minSamplesLeaf,
      maxFeatures,
      ...(maxDepth !== undefined && { maxDepth }),
      ...classWeights,
    },
    ...(neighbours > 0 && { neighbours: { share: neighbours, transform: config.transform } }),
    ...(snapshots > 0 && { snapshots }),
    ...(boosted && { boosted: { learningRate, models, ...classWeights } }),
  };
}
