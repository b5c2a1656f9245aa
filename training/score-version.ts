import type { Dataset } from '../core/dataset/dataset.ts';
import type { Model } from '../core/model/model.ts';
import { maskValues } from './mask.ts';
import { type Scores, score } from './metrics.ts';
import { prepareDataset } from './prepare.ts';
import { labelledRows, labelRows } from './rows.ts';

export interface ScoreInput {
  readonly model: Model;
  /** Readings with truth, with the values that the model takes in its order. */
  readonly dataset: Dataset;
  /** Whether the model's steps made the rows of the data set already. Default: they are readings. */
  readonly isMade?: boolean;
  /** Shares of values that are masked at random; each is scored. */
  readonly rates: readonly number[];
  /** The same seed masks the same values, for whatever model. */
  readonly seed: number;
}

/** How right a model version is on a data set, by the share of values that are missing. */
export async function scoreVersion({ model, dataset, isMade, rates, seed }: ScoreInput): Promise<Scores[]> {
  const made = model.steps && !isMade ? prepareDataset(dataset, model.steps) : dataset;
  const rows = labelledRows(made, model.classes);
  const scores: Scores[] = [];
  for (const [index, rate] of rates.entries()) {
    const labels = await labelRows(model.open(), maskValues(rows, rate, seed + index));
    scores.push(score(rows.labels, labels, model.classes.length));
  }
  return scores;
}
