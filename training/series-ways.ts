import { isFactStep } from '../core/steps/facts/definitions.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import type { TrainingConfig } from './options.ts';
import { made, type Way, waysFor } from './ways.ts';

/** Steps, and the ways to make a model of the rows that they give. */
export interface WaysBySteps {
  readonly steps: readonly StepSpec[];
  readonly ways: readonly Way[];
}

/**
 * The ways of `gapline train --compare` where steps cut windows: trees on features of a window, and estimators that take its samples as
 * they are. One of both is configured; the other follows the same window.
 */
export function waysBySteps(config: TrainingConfig, steps: readonly StepSpec[]): WaysBySteps[] {
  const at = steps.findIndex(({ use }) => use === 'window');
  if (at < 0) return [{ steps, ways: waysFor(config) }];
  const takesSamples = steps.some(({ use }) => use === 'series');
  const followedBy = (...features: StepSpec[]) => [...steps.slice(0, at + 1), ...features, ...steps.filter(isFactStep)];
  if (!takesSamples)
    return [
      { steps, ways: waysFor(config) },
      { steps: followedBy({ use: 'series' }), ways: seriesWays(config) },
    ];
  const [configured] = waysFor(config);
  const features = followedBy({ use: 'statistics' }, { use: 'spectrum' });
  // To try what is configured a second time would cost minutes.
  const others = seriesWays(config).filter(({ changes }) => Object.keys(changes).length > 0);
  return [
    { steps, ways: [...(configured ? [configured] : []), ...others] },
    { steps: features, ways: featureWays(config) },
  ];
}

const plain = { imputer: 'mean', indicators: false, copies: 0, boosted: false, neighbours: 0 } as const;

const seriesWays = (config: TrainingConfig): Way[] =>
  made(config, {
    'samples, rocket': { ...plain, estimator: 'rocket' },
    'samples, shapelets': { ...plain, estimator: 'shapelets' },
  });

const featureWays = (config: TrainingConfig): Way[] => {
  const takesGaps = { ...plain, estimator: 'trees', imputer: 'passthrough' } as const;
  return made(config, {
    'features, forest takes gaps': takesGaps,
    'features, boosted trees take gaps': { ...takesGaps, boosted: true },
  });
};
