import type { Dataset } from '../../core/dataset/dataset.ts';
import type { Metrics } from '../../core/model/manifest.ts';
import { oneLine } from '../../core/wire/errors.ts';
import { type Budget, fitLimits, sampleDataset } from '../../training/budget.ts';
import { compare } from '../../training/compare.ts';
import { isNoBetter, majorityAccuracy, rareClass } from '../../training/label-checks.ts';
import { trainingOptions } from '../../training/options.ts';
import type { Preparation } from '../../training/prepare.ts';
import type { LoadedConfig } from '../config/load.ts';

/** Rows to learn from, and others to score on; without them a fifth is held out for that. */
export interface DatasetParts {
  readonly dataset: Dataset;
  readonly test?: Dataset | undefined;
  /** The steps that made the rows of both, if the stream has any. */
  readonly preparation?: Preparation | undefined;
}

/**
 * What is worth knowing of a score: a sentence each, with what to do.
 * @param budget - of a further fit, where a class is rare
 */
export async function remarksOn(
  loaded: LoadedConfig,
  parts: DatasetParts,
  metrics: Metrics,
  budget?: Budget,
): Promise<string[]> {
  const remarks: string[] = [];
  if (isNoBetter(metrics)) {
    const majority = majorityAccuracy(metrics).toFixed(3);
    remarks.push(
      `warning: always predicting the most frequent label is right as often (${majority}): the values do not tell the labels apart; check the label column, or add columns that do`,
    );
  }
  const rare = rareClass(parts.dataset);
  if (rare) remarks.push(await tryBalanced(loaded, parts, { metrics, rare, budget }));
  return remarks;
}

/** Trains once more with balanced weights, and says what changes; the model that serves stays as it is. */
async function tryBalanced(
  { config: { training } }: LoadedConfig,
  { dataset, test, preparation }: DatasetParts,
  { metrics, rare, budget }: { metrics: Metrics; rare: { name: string; count: number }; budget: Budget | undefined },
): Promise<string> {
  const about = `the label "${oneLine(rare.name)}" is rare: ${rare.count} of ${dataset.count} rows`;
  if (training.classWeights === 'balanced') return `${about}; classes are balanced already`;
  const limits = fitLimits(budget);
  if (budget && budget.leftMs() < fewestMs)
    return `${about}; there was no time to try balanced weights: --set training.classWeights=balanced with gapline train does`;
  const some = sampleDataset(dataset, limits.rows);
  const [balanced] = await compare({
    dataset: some,
    ...(test && { test: sampleDataset(test, limits.labelled) }),
    isTimeUp: limits.isTimeUp,
    ...(preparation && { preparation }),
    candidates: [{ name: 'balanced', options: trainingOptions({ ...training, classWeights: 'balanced' }) }],
    rates: [0],
    seed: training.seed,
  });
  const { accuracy = 0, f1 = 0 } = balanced?.byRate[0] ?? {};
  const figures = `macro F1 ${f1.toFixed(3)} in place of ${metrics.f1.toFixed(3)}, accuracy ${accuracy.toFixed(3)} in place of ${metrics.accuracy.toFixed(3)}`;
  const advice =
    f1 > metrics.f1
      ? '--set training.classWeights=balanced with gapline train takes them'
      : 'they are no better here; more rows of it would help';
  const fewer = some.count < dataset.count ? ` on ${some.count} rows` : '';
  return `${about}; balanced weights were tried${fewer}: ${figures}; ${advice}`;
}

/** Below this a further fit is not begun. */
const fewestMs = 3_000;
