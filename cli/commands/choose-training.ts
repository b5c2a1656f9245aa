import type { Dataset } from '../../core/dataset/dataset.ts';
import type { RowCost } from '../../training/budget.ts';
import { type Choice, chooseWay, type TriedWay } from '../../training/choose-way.ts';
import { rareClass } from '../../training/label-checks.ts';
import type { TrainingConfig } from '../../training/options.ts';
import { addedRates } from '../../training/score-fold.ts';
import { fewWays } from '../../training/ways.ts';

export interface ChosenTraining {
  /** For `training` of stream.yaml. */
  readonly changes: Partial<TrainingConfig>;
  /** What was tried, and why this was chosen. */
  readonly lines: readonly string[];
  readonly cost: RowCost;
}

interface ChooseOptions {
  /** For trying and for the final model. */
  readonly budgetMs: number;
  /** Only the plain way is tried, to learn what it costs. */
  readonly quick: boolean;
  readonly marginNs?: number;
}

/** Tries a handful of ways to make a model on the rows to train from. The rows that score the model are none of them. */
export async function chooseTraining(
  dataset: Dataset,
  training: TrainingConfig,
  { budgetMs, quick, ...grouped }: ChooseOptions,
): Promise<ChosenTraining> {
  // Where a class is rare, balanced weights are tried after the final model.
  const furtherFits = rareClass(dataset) ? 1 : 0;
  const ways = fewWays(training).slice(0, quick ? 1 : undefined);
  const { seed } = training;
  const choice = await chooseWay({ dataset, ways, budgetMs, seed, furtherFits, ...grouped });
  const { cost } = choice;
  if (quick) return { changes: leavesFor(dataset, training), lines: [], cost };
  const chosen = { ...training, ...choice.chosen.way.changes };
  return {
    changes: { ...choice.chosen.way.changes, ...leavesFor(dataset, chosen) },
    lines: describeChoice(choice, budgetMs),
    cost,
  };
}

/** A forest of more rows, copies and trees than this, all multiplied, is too large a file where labels are noisy. */
const mostLeaves = 4_000_000;

/** Of a large table each leaf of a forest holds more rows. */
function leavesFor({ count }: Dataset, { boosted, trees, copies }: TrainingConfig): Partial<TrainingConfig> {
  const minSamplesLeaf = Math.ceil((count * Math.max(1, copies) * trees) / mostLeaves);
  return boosted || minSamplesLeaf <= 1 ? {} : { minSamplesLeaf };
}

function describeChoice({ chosen, tried, rows }: Choice, budgetMs: number): string[] {
  const rates = addedRates.map((rate) => (rate === 0 ? 'as it is' : `+${rate * 100} %`));
  const head = `tried by ${chosen.folds === 1 ? 'a held-out third' : 'cross-validation'} of ${rows} training rows; accuracy with the gaps of the data, and with more:`;
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(54)}${cells.map((cell) => cell.padStart(10)).join('')}`;
  return [
    head,
    row('', rates),
    ...tried.map(({ way, accuracy, folds }) =>
      row(
        folds === chosen.folds ? way.name : `${way.name} (one fold)`,
        accuracy.map((each) => each.toFixed(3)),
      ),
    ),
    `chosen: ${chosen.way.name}, ${reasonOf(chosen, tried, budgetMs)}`,
  ];
}

/** Half of the score is the data as it is, the other half is more gaps. */
function reasonOf(chosen: TriedWay, tried: readonly TriedWay[], budgetMs: number): string {
  const best = tried.reduce((leader, each) => (each.score > leader.score ? each : leader));
  if (best === chosen)
    return 'the best on average, where half the weight is on the data as it is and half on more gaps';
  return `the best of those that fit into ${budgetMs / 1_000} s; ${best.way.name} is better and slower: gapline train --compare shows it`;
}
