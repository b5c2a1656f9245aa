import { packAll } from '../core/model/artifact.ts';
import type { ErrorCode } from '../core/wire/errors.ts';
import { fitCandidate } from './candidate.ts';
import { maskValues } from './mask.ts';
import { score } from './metrics.ts';
import type { TrainingOptions } from './options.ts';
import { type LabelledRows, labelRows } from './rows.ts';

/** Shares of values that are masked on top of the gaps that the data has. */
export const addedRates = [0, 0.1, 0.3];

/** A model to fit on some rows and to score on others. */
export interface FoldJob {
  readonly fit: LabelledRows;
  readonly test: LabelledRows;
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  readonly options: TrainingOptions;
  /** Of the masks. */
  readonly seed: number;
  /** After so long the fit is brought to its end with what was learnt until then. Default: never. */
  readonly fitWithinMs?: number | undefined;
}

export interface FoldScore {
  /** By {@link addedRates}. */
  readonly accuracies: readonly number[];
  /** Fitting the model and packing it for its file. */
  readonly fitMs: number;
}

/** What a fold's thread answers. */
export type FoldAnswer =
  | { readonly score: FoldScore }
  | { readonly failed: { readonly code: ErrorCode; readonly detail: string } };

/** Fits a model and scores it, with the gaps that the data has and with more. */
export async function scoreFold(job: FoldJob): Promise<FoldScore> {
  const { fit, test, fields, classes, options, seed, fitWithinMs } = job;
  const began = performance.now();
  const isTimeUp = fitWithinMs === undefined ? undefined : () => performance.now() - began > fitWithinMs;
  const { model, unpacked } = await fitCandidate({ rows: fit, fields, classes, options, isTimeUp });
  await packAll(unpacked);
  const fitMs = performance.now() - began;
  const accuracies: number[] = [];
  for (const [index, rate] of addedRates.entries()) {
    const masked = rate === 0 ? test : maskValues(test, rate, seed + index);
    accuracies.push(score(masked.labels, await labelRows(model.open(), masked), classes.length).accuracy);
  }
  await model.close();
  return { accuracies, fitMs };
}
