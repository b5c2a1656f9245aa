import type { Dataset } from '../core/dataset/dataset.ts';
import type { Model } from '../core/model/model.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type FittedCandidate, fitCandidate } from './candidate.ts';
import type { FitProgress } from './fit-input.ts';
import { holdOut } from './hold-out.ts';
import { maskValues } from './mask.ts';
import { score } from './metrics.ts';
import type { TrainingOptions } from './options.ts';
import { marginOf, type Preparation, prepareDataset } from './prepare.ts';
import { type LabelledRows, labelledRows, labelRows } from './rows.ts';

/** One way to make a model. */
export interface Candidate {
  readonly name: string;
  readonly options: TrainingOptions;
}

/** How right one candidate is, by the share of values that are missing. */
export interface CandidateResult {
  readonly name: string;
  readonly byRate: readonly { readonly rate: number; readonly accuracy: number; readonly f1: number }[];
  readonly fitMs: number;
  /** From rows with gaps to labels, in batches, on one thread; over all rates. */
  readonly microsecondsPerRow: number;
}

export interface CompareInput {
  readonly dataset: Dataset;
  /** Rows to score on. Without them a fifth of the data set is held out. */
  readonly test?: Dataset;
  /** The steps that made the rows of both, if steps did. */
  readonly preparation?: Preparation;
  /** What these steps made them of: its values are masked, and the steps make the rows that are scored. */
  readonly samples?: { readonly dataset: Dataset; readonly test?: Dataset | undefined };
  readonly candidates: readonly Candidate[];
  /** Shares of values that go missing at random from the rows that are scored. */
  readonly rates: readonly number[];
  readonly seed: number;
  /** Once it is true a fit is brought to its end with what was learnt until then. */
  readonly isTimeUp?: (() => boolean) | undefined;
  /** Called for a candidate that these rows do not suit, with the reason; without it that is thrown. */
  readonly onUnsuited?: (name: string, reason: string) => void;
  /** Called as a candidate is fitted. */
  readonly onProgress?: (name: string, progress: FitProgress) => void;
  /** Called as each candidate is finished. */
  readonly onCompared?: (row: CandidateResult) => void;
}

/** Fits each candidate on the same rows, and scores all on the same rows with the same gaps. */
export async function compare(input: CompareInput): Promise<CandidateResult[]> {
  const { dataset, preparation, candidates, onCompared } = input;
  const { fields, classes } = dataset;
  const { train, test } = splitRows(input);
  const masked = input.rates.map((rate, index) => ({
    rate,
    rows: maskedRows(input, test, rate, input.seed + index + 1),
  }));
  const compared: CandidateResult[] = [];
  for (const { name, options } of candidates) {
    const startedMs = performance.now();
    const { isTimeUp, onProgress } = input;
    const task = {
      ...{ rows: train, fields, classes, options, isTimeUp },
      ...(preparation && { preparation }),
      ...(onProgress && { onProgress: (progress: FitProgress) => onProgress(name, progress) }),
    };
    const model = await suited(fitCandidate(task), name, input.onUnsuited);
    if (!model) continue;
    const fitMs = performance.now() - startedMs;
    const result = { name, fitMs, ...(await scoreByRate(model, masked)) };
    compared.push(result);
    await model.close();
    onCompared?.(result);
  }
  return compared;
}

/** Undefined, with the reason told, where the rows do not suit the way and somebody wants to be told. */
async function suited(fitted: Promise<FittedCandidate>, name: string, tell: CompareInput['onUnsuited']) {
  try {
    return (await fitted).model;
  } catch (error) {
    if (!tell || !(error instanceof GaplineError) || error.code !== 'data-invalid') throw error;
    tell(name, error.message);
    return undefined;
  }
}

function splitRows({ dataset, test, preparation, seed }: CompareInput): { train: LabelledRows; test: LabelledRows } {
  const rows = labelledRows(dataset, dataset.classes);
  if (test) return { train: rows, test: labelledRows(test, dataset.classes) };
  return holdOut(rows, { seed, ...marginOf(preparation) });
}

/** The rows to score on with values masked: those of the rows, or where steps made them, the samples that they are made of. */
function maskedRows(input: CompareInput, test: LabelledRows, rate: number, seed: number): LabelledRows {
  const { preparation, samples, dataset } = input;
  if (!preparation || !samples || rate === 0) return maskValues(test, rate, seed);
  const { classes } = dataset;
  const again = (from: Dataset) => prepareDataset(maskValues(from, rate, seed), preparation);
  if (samples.test) return labelledRows(again(samples.test), classes);
  // Steps keep devices, times and labels whatever is masked, so the same rows are held out.
  return holdOut(labelledRows(again(samples.dataset), classes), { seed: input.seed, ...marginOf(preparation) }).test;
}

async function scoreByRate(model: Model, masked: readonly { rate: number; rows: LabelledRows }[]) {
  // The first labels pay for the compiler.
  for (const { rows } of masked.slice(0, 1)) await labelRows(model.open(), rows);
  let spentMs = 0;
  const byRate = [];
  for (const { rate, rows } of masked) {
    const startedMs = performance.now();
    const labels = await labelRows(model.open(), rows);
    spentMs += performance.now() - startedMs;
    const { accuracy, f1 } = score(rows.labels, labels, model.classes.length);
    byRate.push({ rate, accuracy, f1 });
  }
  const rows = masked.reduce((sum, each) => sum + each.rows.count, 0);
  return { byRate, microsecondsPerRow: (spentMs * 1_000) / Math.max(1, rows) };
}
