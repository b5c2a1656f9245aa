import type { Dataset } from '../../core/dataset/dataset.ts';
import { stratifiedSplit } from '../../core/dataset/split.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { valueGaps } from '../../generator/gaps/value.ts';
import { type LabelledRows, labelledRows, pickLabelledRows } from '../../training/rows.ts';

/** How values go missing. `random`: each by itself. `value`: large ones first, as the generator does it. `silent`: whole rows. */
export type Pattern = 'random' | 'value' | 'silent';

/** One column of the table: gaps of the rows that models are trained on, and of those that they predict. */
export interface Case {
  readonly name: string;
  readonly pattern: Pattern;
  readonly trainRate: number;
  readonly testRate: number;
}

export const cases: readonly Case[] = [
  { name: '10 %', pattern: 'random', trainRate: 0.1, testRate: 0.1 },
  { name: '30 %', pattern: 'random', trainRate: 0.3, testRate: 0.3 },
  { name: '50 %', pattern: 'random', trainRate: 0.5, testRate: 0.5 },
  { name: '10 % → 50 %', pattern: 'random', trainRate: 0.1, testRate: 0.5 },
  { name: 'large values, 30 %', pattern: 'value', trainRate: 0.3, testRate: 0.3 },
  { name: 'silent devices, 30 %', pattern: 'silent', trainRate: 0.3, testRate: 0.3 },
];

/** The rows of one split, whole. */
export interface Fold {
  readonly number: number;
  readonly train: LabelledRows;
  readonly test: LabelledRows;
}

export function foldsOf(dataset: Dataset, count: number): Fold[] {
  const rows = labelledRows(dataset, dataset.classes);
  return Array.from({ length: count }, (_, number) => {
    const split = stratifiedSplit({ labels: rows.labels, fraction: 0.8, seed: number + 1 });
    return { number, train: pickLabelledRows(rows, split.train), test: pickLabelledRows(rows, split.test) };
  });
}

/** The rows with gaps. The same seed makes the same gaps. */
export function withGaps(rows: LabelledRows, pattern: Pattern, rate: number, seed: number): LabelledRows {
  if (pattern === 'value') return withLargeValuesMissing(rows, rate, seed);
  const random = mulberry32(seed);
  const { width } = rows;
  const values = rows.values.slice();
  for (let row = 0; row < rows.count; row++) {
    const silent = pattern === 'silent' && random() < rate;
    for (let at = row * width; at < (row + 1) * width; at++)
      if (pattern === 'silent' ? silent : random() < rate) values[at] = Number.NaN;
  }
  return { ...rows, values };
}

function withLargeValuesMissing(rows: LabelledRows, rate: number, seed: number): LabelledRows {
  const { width, count } = rows;
  const values = rows.values.slice();
  const sorted = Array.from({ length: width }, (_, column) =>
    Float64Array.from({ length: count }, (_, row) => elementAt(values, row * width + column)).sort(),
  );
  const masker = valueGaps(sorted).open();
  const random = new KeyedRandom();
  for (let row = 0; row < count; row++)
    masker.mask(values.subarray(row * width, (row + 1) * width), row, rate, random.at(seed, 0, row));
  return { ...rows, values };
}

/** Different for each split, case and purpose; the same in each run. */
export const seedOf = (fold: number, column: number, purpose: number): number => fold * 10_000 + column * 100 + purpose;
