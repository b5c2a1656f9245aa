import type { Dataset } from '../core/dataset/dataset.ts';
import { elementAt } from '../core/numeric/element.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { fitCandidate } from './candidate.ts';
import { maskValues } from './mask.ts';
import { score } from './metrics.ts';
import { type LabelledRows, labelledRows, labelRows, pickLabelledRows } from './rows.ts';
import type { Way } from './ways.ts';

export interface ChooseInput {
  /** To learn from; the rows that score the model in the end are not among them. */
  readonly dataset: Dataset;
  /** The simplest first: of equals the earlier one is chosen. */
  readonly ways: readonly Way[];
  /** For trying them and making the final model. */
  readonly budgetMs: number;
  readonly seed: number;
  readonly onTried?: (tried: TriedWay) => void;
}

/** What cross-validation found of one way. */
export interface TriedWay {
  readonly way: Way;
  /** By {@link addedRates}: the mean over the folds. */
  readonly accuracy: readonly number[];
  /** Half for the gaps that the data has, half for more of them. */
  readonly score: number;
  readonly folds: number;
}

export interface Choice {
  readonly chosen: TriedWay;
  /** Those that were scored on as many folds. */
  readonly tried: readonly TriedWay[];
  /** Rows that cross-validation used. */
  readonly rows: number;
}

/** Shares of values that are masked on top of the gaps that the data has. */
export const addedRates = [0, 0.1, 0.3];
const rateWeights = [0.5, 0.25, 0.25];
const folds = 3;
/** More make the choice slower, hardly surer. */
const mostRows = 3_000;
const mostValues = 200_000;
/** The share of the budget for trying; the rest is for the final model. */
const tryingShare = 0.45;

interface Trial {
  readonly way: Way;
  readonly byFold: number[][];
  fitMs: number;
}

/**
 * Chooses a way by stratified cross-validation, on a sample of the rows. A way that is too slow for the budget is left out, and so is a fold
 * that not every way could finish.
 */
export async function chooseWay(input: ChooseInput): Promise<Choice> {
  const { dataset, budgetMs, seed } = input;
  const began = performance.now();
  const all = labelledRows(dataset, dataset.classes);
  const parts = foldsOf(all, seed);
  const rows = parts.reduce((sum, part) => sum + part.length, 0);
  const leftMs = () => budgetMs * tryingShare - (performance.now() - began);
  let trials = input.ways.map((way): Trial => ({ way, byFold: [], fitMs: 0 }));
  for (const [fold, held] of parts.entries()) {
    const others = parts.flatMap((part, index) => (index === fold ? [] : part));
    for (const trial of trials) {
      // The first way is always tried once: something has to be chosen.
      if ((fold > 0 || trial !== trials[0]) && leftMs() < trial.fitMs) break;
      const [fit, test] = [pickLabelledRows(all, others), pickLabelledRows(all, held)];
      await tryFold(trial, { fit, test, dataset, seed });
    }
    if (fold === 0) trials = trials.filter(({ byFold }) => byFold.length > 0);
    else if (trials.some(({ byFold }) => byFold.length <= fold)) break;
  }
  const common = Math.min(...trials.map(({ byFold }) => byFold.length));
  const remainingMs = () => budgetMs - (performance.now() - began);
  // The final model is fitted twice: once without a fifth of the rows, to learn how many gaps it stands.
  const growth = (2 * 1.5 * all.count) / Math.max(1, rows);
  const affordable = trials.filter((trial, index) => index === 0 || trial.fitMs * growth <= remainingMs());
  const tried = trials.map((trial) => summed(trial, common));
  for (const each of tried) input.onTried?.(each);
  const able = tried.filter((_, index) => affordable.includes(elementAt(trials, index)));
  const chosen = able.reduce((best, each) => (each.score > best.score ? each : best));
  return { chosen, tried, rows };
}

async function tryFold(
  trial: Trial,
  { fit, test, dataset, seed }: { fit: LabelledRows; test: LabelledRows; dataset: Dataset; seed: number },
): Promise<void> {
  const { fields, classes } = dataset;
  const began = performance.now();
  const { model } = await fitCandidate({ rows: fit, fields, classes, options: trial.way.options });
  trial.fitMs = Math.max(trial.fitMs, performance.now() - began);
  const accuracies: number[] = [];
  for (const [index, rate] of addedRates.entries()) {
    const masked = rate === 0 ? test : maskValues(test, rate, seed + index);
    accuracies.push(score(masked.labels, await labelRows(model.open(), masked), classes.length).accuracy);
  }
  await model.close();
  trial.byFold.push(accuracies);
}

function summed({ way, byFold }: Trial, count: number): TriedWay {
  const used = byFold.slice(0, count);
  const accuracy = addedRates.map((_, rate) => used.reduce((sum, each) => sum + elementAt(each, rate), 0) / count);
  const weighted = accuracy.reduce((sum, each, rate) => sum + each * elementAt(rateWeights, rate), 0);
  return { way, accuracy, score: weighted, folds: count };
}

/** Rows by fold, each with its part of every class. */
function foldsOf({ labels, count, width }: LabelledRows, seed: number): number[][] {
  const most = Math.min(count, mostRows, Math.max(200, Math.floor(mostValues / Math.max(1, width))));
  const random = mulberry32(seed);
  const order = Array.from({ length: count }, (_, row) => ({ row, label: elementAt(labels, row), key: random() }));
  order.sort((left, right) => left.label - right.label || left.key - right.key);
  const parts: number[][] = Array.from({ length: folds }, () => []);
  for (let index = 0; index < most; index += 1) {
    const { row } = elementAt(order, Math.floor((index * count) / most));
    elementAt(parts, index % folds).push(row);
  }
  return parts;
}
