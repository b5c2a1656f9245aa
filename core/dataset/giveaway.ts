import { elementAt } from '../numeric/element.ts';
import type { Dataset } from './dataset.ts';
import { rowsOf, sampleRows } from './rows-of.ts';

/** So many rows are looked at. */
const mostRows = 20_000;
/** Fewer measured rows prove nothing. */
const fewestRows = 40;

/**
 * Fields that alone give the label away: sorted by the field, every class stands in one piece, and no value is shared between two. Such a
 * field often knows the outcome because it was written down with it.
 */
export function giveaways(dataset: Dataset): string[] {
  if (dataset.classes.length < 2) return [];
  const sample = dataset.count > mostRows ? rowsOf(dataset, sampleRows(dataset.count, mostRows)) : dataset;
  return dataset.fields.filter((_, field) => tellsClasses(sample, field));
}

function tellsClasses({ count, width, values, labels }: Dataset, field: number): boolean {
  const rows: number[] = [];
  const classes = new Set<number>();
  for (let row = 0; row < count; row++) {
    const label = elementAt(labels, row);
    if (label < 0 || Number.isNaN(values[row * width + field]!)) continue;
    rows.push(row);
    classes.add(label);
  }
  if (rows.length < fewestRows || classes.size < 2 || rows.length * 2 < count) return false;
  const valueAt = (row: number) => values[row * width + field]!;
  rows.sort((a, b) => valueAt(a) - valueAt(b) || labels[a]! - labels[b]!);
  let pieces = 1;
  for (let at = 1; at < rows.length; at++) {
    const [before, row] = [elementAt(rows, at - 1), elementAt(rows, at)];
    if (labels[before] === labels[row]) continue;
    if (valueAt(before) === valueAt(row)) return false;
    pieces += 1;
  }
  return pieces === classes.size;
}
