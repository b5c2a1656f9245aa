import { elementAt } from '../numeric/element.ts';
import { unknownLabel } from '../wire/prediction.ts';
import type { Model, ModelOutput } from './model.ts';
import type { Rows } from './rows.ts';

/** What a model predicts for one row, with names in place of indices. */
export interface LabelledRow {
  readonly label: string;
  readonly probability: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly gaps: number;
  /** What stands in place of the gaps; a field that stayed a gap is not there. Of a series nothing is: it would be as many as samples. */
  readonly filled: Readonly<Record<string, number>>;
}

/** One row of a model's output. Where it made no prediction, the label is `unknown` and the probability 0. */
export function labelledRow(
  { classes, fields, series }: Pick<Model, 'classes' | 'fields'> & { readonly series?: object | boolean },
  { values }: Pick<Rows, 'values'>,
  { labels, probabilities, filled: after }: ModelOutput,
  row: number,
): LabelledRow {
  const label = elementAt(labels, row);
  const shares = classes.map((name, at) => [name, elementAt(probabilities, row * classes.length + at)] as const);
  const filled: [string, number][] = [];
  let gaps = 0;
  fields.forEach((name, column) => {
    const at = row * fields.length + column;
    if (!Number.isNaN(elementAt(values, at))) return;
    gaps += 1;
    const value = elementAt(after, at);
    if (!series && Number.isFinite(value)) filled.push([name, value]);
  });
  return {
    label: label < 0 ? unknownLabel : elementAt(classes, label),
    probability: label < 0 ? 0 : elementAt(shares, label)[1],
    probabilities: Object.fromEntries(shares),
    gaps,
    filled: Object.fromEntries(filled),
  };
}
