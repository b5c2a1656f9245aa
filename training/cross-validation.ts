import { type Dataset, encodeNames } from '../core/dataset/dataset.ts';
import { type FoldOptions, foldsOf } from '../core/dataset/folds.ts';
import type { Metrics } from '../core/model/manifest.ts';
import { elementAt } from '../core/numeric/element.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type CandidateInput, fitCandidate } from './candidate.ts';
import { score, weightedFigures } from './metrics.ts';
import type { Preparation } from './prepare.ts';
import { type LabelledRows, pickLabelledRows } from './rows.ts';
import { mostMasked, type RowFigures, Scoring } from './scoring.ts';

/** How right models are that learnt from the other folds. */
export type CrossValidation = NonNullable<Metrics['crossValidation']>;

export interface CrossValidationInput extends Omit<CandidateInput, 'rows' | 'onProgress'> {
  readonly dataset: Pick<Dataset, 'file' | 'devices'>;
  readonly rows: LabelledRows;
  readonly folds: FoldOptions;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/**
 * Fits a model for each fold on the rows of the others and scores it on its own. Rows of one device are alike and stay together, where
 * there are devices enough; where steps made the rows there must be.
 * @returns the figures by fold, and those of all rows together
 * @throws {GaplineError} `data-invalid` where a label has fewer devices, or rows, than there are folds
 */
export async function crossValidate(
  input: CrossValidationInput,
): Promise<{ scores: RowFigures; figures: CrossValidation }> {
  const { dataset, rows, folds, onProgress, ...candidate } = input;
  const { by, foldOfRow } = chooseFolds(input);
  const classes = candidate.classes.length;
  const labels = new Int32Array(rows.count);
  const byFold: CrossValidation['folds'] = [];
  const { seed } = candidate.options;
  const scoring = new Scoring({ classes, seed, mostMasked: Math.ceil(mostMasked / folds.folds) });
  for (let fold = 0; fold < folds.folds; fold++) {
    onProgress?.(fold, folds.folds);
    const [others, own] = partsOf(foldOfRow, fold);
    const test = pickLabelledRows(rows, own);
    const { model } = await fitCandidate({ ...candidate, rows: pickLabelledRows(rows, others) });
    try {
      const given = await scoring.add(model, test);
      for (const [at, row] of own.entries()) labels[row] = elementAt(given, at);
      byFold.push(figuresOf(test.labels, given, classes));
    } finally {
      await model.close();
    }
  }
  onProgress?.(folds.folds, folds.folds);
  const figures = { by, folds: byFold, all: figuresOf(rows.labels, labels, classes) };
  return { scores: scoring.figures(), figures };
}

function partsOf(foldOfRow: Int32Array, fold: number): [others: number[], own: number[]] {
  const parts: [number[], number[]] = [[], []];
  for (const [row, of] of foldOfRow.entries()) parts[of === fold ? 1 : 0].push(row);
  return parts;
}

function figuresOf(truths: Int32Array, labels: Int32Array, classes: number): CrossValidation['all'] {
  const { rows, accuracy, f1 } = score(truths, labels, classes);
  return { rows, accuracy, f1, ...weightedFigures(truths, labels, classes) };
}

function chooseFolds({ dataset, rows, folds, preparation }: CrossValidationInput) {
  const { labels } = rows;
  const byDevice =
    dataset.devices || preparation ? foldsOf({ labels, groups: encodeNames(rows.devices).index }, folds) : undefined;
  if (byDevice) return { by: 'device' as const, foldOfRow: byDevice };
  const byRow = preparation ? undefined : foldsOf({ labels, groups: labels.map((_, row) => row) }, folds);
  if (byRow) return { by: 'row' as const, foldOfRow: byRow };
  throw tooFew(dataset.file, preparation, folds.folds);
}

function tooFew(file: string, preparation: Preparation | undefined, folds: number): GaplineError {
  const what = preparation ? 'devices (rows that steps make of one device are alike)' : 'rows';
  const detail = `${file}: --cv ${folds} needs ${folds} ${what} of each label, and there are fewer; take fewer folds, or more data`;
  return new GaplineError('data-invalid', detail);
}
