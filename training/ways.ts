import type { Candidate } from './compare.ts';
import { type TrainingConfig, trainingOptions } from './options.ts';

/** A way to make a model, as changes to the configuration. */
export interface Way extends Candidate {
  readonly changes: Partial<TrainingConfig>;
}

type Ways = Readonly<Record<string, Partial<TrainingConfig>>>;

/** Without what makes a model more than trees on filled rows. */
const plain = {
  estimator: 'trees',
  imputer: 'mean',
  indicators: false,
  copies: 0,
  boosted: false,
  neighbours: 0,
  draws: 0,
} as const;
const copies = 4;

/** The ways of `gapline train --compare`; of trees, seed and the like they keep what is configured. */
export function waysFor(config: TrainingConfig): Way[] {
  const neighbours = config.neighbours > 0 ? config.neighbours : 0.35;
  const gaussian = { imputer: 'gaussian' } as const;
  const takesGaps = { imputer: 'passthrough' } as const;
  const boosted = true;
  return made(config, {
    'as configured': {},
    mean: plain,
    median: { ...plain, imputer: 'median' },
    'most frequent': { ...plain, imputer: 'most_frequent' },
    'mean, indicators, copies': { ...plain, indicators: true, copies },
    'forest takes gaps': { ...plain, ...takesGaps },
    'forest takes gaps, copies': { ...plain, ...takesGaps, copies },
    gaussian: { ...plain, ...gaussian },
    'gaussian, quantile': { ...plain, ...gaussian, transform: 'quantile' },
    'gaussian, 10 draws': { ...plain, ...gaussian, draws: 10 },
    'gaussian, ridge': { ...plain, ...gaussian, estimator: 'ridge' },
    'gaussian, copies': { ...plain, ...gaussian, copies },
    'gaussian, copies, extra trees': { ...plain, ...gaussian, copies, extraTrees: true },
    'boosted trees take gaps, copies': { ...plain, ...takesGaps, copies, boosted },
    'gaussian, copies, boosted trees': { ...plain, ...gaussian, copies, boosted },
    'gaussian, copies, boosted trees, neighbours': { ...plain, ...gaussian, copies, boosted, neighbours },
  });
}

/** The handful that `gapline new` tries, the plain one first, then from the cheap to the dear. */
export function fewWays(config: TrainingConfig): Way[] {
  return made(config, {
    plain: {},
    'boosted trees that take gaps': { imputer: 'passthrough', boosted: true },
    'forest on masked copies': { indicators: true, copies },
    'extremely randomised trees on the conditional mean': { imputer: 'gaussian', copies, extraTrees: true },
    'boosted trees on masked copies': { imputer: 'passthrough', copies, boosted: true },
    'boosted trees and neighbours on the conditional mean': {
      imputer: 'gaussian',
      copies,
      boosted: true,
      neighbours: 0.35,
    },
  });
}

export function made(config: TrainingConfig, ways: Ways): Way[] {
  return Object.entries(ways).map(([name, wanted]) => {
    const settings = { ...config, ...wanted };
    const changed = Object.entries(wanted).filter(([key, value]) => config[key as keyof TrainingConfig] !== value);
    return { name, changes: Object.fromEntries(changed), options: trainingOptions(settings) };
  });
}

/** The options of the command line that make a model in this way; empty where nothing is changed. */
export function setLine({ changes }: Pick<Way, 'changes'>): string {
  return Object.entries(changes)
    .map(([key, value]) => `--set training.${key}=${value}`)
    .join(' ');
}
