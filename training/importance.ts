import type { Dataset } from '../core/dataset/dataset.ts';
import type { Model } from '../core/model/model.ts';
import { type PermutationInput, permutationImportance } from '../core/model/permutation.ts';
import { elementAt } from '../core/numeric/element.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { score } from './metrics.ts';
import { prepareDataset } from './prepare.ts';
import { labelledRows, labelRows } from './rows.ts';

export interface ImportanceInput extends Pick<PermutationInput, 'repeats' | 'seed' | 'onProgress'> {
  readonly model: Model;
  /** Readings with truth, with the values that the model takes in its order. */
  readonly dataset: Dataset;
}

export interface MeasuredImportance {
  /** How many rows were predicted. */
  readonly rows: number;
  /** Rows without truth, or with one that the model has no label for. */
  readonly leftOut: number;
  /** With nothing shuffled. */
  readonly accuracy: number;
  /**
   * In the model's order: the accuracy that is lost when the field is shuffled, and its standard deviation over the repeats. Of a series
   * the tenths of each channel stand for its samples: one sample more or less is never missed.
   */
  readonly byField: readonly { readonly field: string; readonly lost: number; readonly spread: number }[];
}

/**
 * How much a model of whatever kind, its imputer included, leans on each field: the accuracy that it loses on rows with truth when
 * the field is shuffled among them, gaps and all.
 * @throws {GaplineError} `data-invalid` where no row has a truth that the model knows.
 */
export async function measureImportance(input: ImportanceInput): Promise<MeasuredImportance> {
  const { model, dataset, repeats, seed, onProgress } = input;
  const { fields, classes } = model;
  const given = model.steps ? prepareDataset(dataset, model.steps) : dataset;
  const rows = labelledRows(given, classes);
  if (rows.count === 0) {
    const known = classes.slice(0, 10).join(', ');
    throw new GaplineError('data-invalid', `${dataset.file}: no row has a truth that the model knows (${known})`);
  }
  const groups = model.series ? stretchesOf(model.series) : fields.map((field, at) => ({ field, columns: [at] }));
  const { accuracy, lost, spread } = await permutationImportance({
    values: rows.values,
    count: rows.count,
    width: rows.width,
    groups: groups.map(({ columns }) => columns),
    accuracyOf: async (values) =>
      score(rows.labels, await labelRows(model.open(), { ...rows, values }), classes.length).accuracy,
    ...(repeats !== undefined && { repeats }),
    ...(seed !== undefined && { seed }),
    ...(onProgress && { onProgress }),
  });
  const byField = groups.map(({ field }, at) => ({ field, lost: elementAt(lost, at), spread: elementAt(spread, at) }));
  return { rows: rows.count, leftOut: given.count - rows.count, accuracy, byField };
}

const stretches = 10;

/** The columns of each tenth of each channel. */
function stretchesOf({ channels, length }: NonNullable<Model['series']>) {
  const parts = Math.min(stretches, length);
  return channels.flatMap((name, channel) =>
    Array.from({ length: parts }, (_, part) => {
      const [from, to] = [Math.floor((part * length) / parts), Math.floor(((part + 1) * length) / parts)];
      const columns = Array.from({ length: to - from }, (__, at) => channel * length + from + at);
      return { field: `${name}, samples ${from} to ${to - 1} of ${length}`, columns };
    }),
  );
}
