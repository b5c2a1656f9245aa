import type { Dataset } from '../../core/dataset/dataset.ts';
import { type Choice, chooseWay, type TriedWay } from '../../training/choose-way.ts';
import { rareClass } from '../../training/label-checks.ts';
import type { TrainingConfig } from '../../training/options.ts';
import { addedRates } from '../../training/score-fold.ts';
import { fewWays } from '../../training/ways.ts';

/** For trying ways and for the final model, on two cores. */
const budgetMs = 60_000;

export interface ChosenTraining {
  /** For `training` of stream.yaml. */
  readonly changes: Partial<TrainingConfig>;
  /** What was tried, and why this was chosen. */
  readonly lines: readonly string[];
}

/** Tries a handful of ways to make a model on the rows to train from. The rows that score the model are none of them. */
export async function chooseTraining(
  dataset: Dataset,
  training: TrainingConfig,
  grouped: { readonly marginNs?: number } = {},
): Promise<ChosenTraining> {
  // Where a class is rare, balanced weights are tried after the final model.
  const furtherFits = rareClass(dataset) ? 1 : 0;
  const choice = await chooseWay({
    dataset,
    ways: fewWays(training),
    budgetMs,
    seed: training.seed,
    furtherFits,
    ...grouped,
  });
  return { changes: choice.chosen.way.changes, lines: describeChoice(choice) };
}

function describeChoice({ chosen, tried, rows }: Choice): string[] {
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
    `chosen: ${chosen.way.name}, ${reasonOf(chosen, tried)}`,
  ];
}

/** Half of the score is the data as it is, the other half is more gaps. */
function reasonOf(chosen: TriedWay, tried: readonly TriedWay[]): string {
  const best = tried.reduce((leader, each) => (each.score > leader.score ? each : leader));
  if (best === chosen)
    return 'the best on average, where half the weight is on the data as it is and half on more gaps';
  return `the best of those that fit into ${budgetMs / 1_000} s; ${best.way.name} is better and slower: gapline train --compare shows it`;
}
