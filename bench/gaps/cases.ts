import type { Dataset } from '../../core/dataset/csv.ts';
import { seededRandom } from '../../core/dataset/random.ts';
import { stratifiedSplit } from '../../core/dataset/split.ts';
import { type LabelledRows, labelledRows, pickRows } from '../../training/rows.ts';

/** How values go missing. `random`: each by itself. `value`: the larger a value, the likelier. `silent`: whole rows. */
export type Pattern = 'random' | 'value' | 'silent';

/** One column of the table: gaps of the rows that models are trained on, and of those that they are asked about. */
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
    return { number, train: pickRows(rows, split.train), test: pickRows(rows, split.test) };
  });
}

/** The rows with gaps. The same seed makes the same gaps. */
export function withGaps(rows: LabelledRows, pattern: Pattern, rate: number, seed: number): LabelledRows {
  const random = seededRandom(seed);
  const { width } = rows;
  const values = rows.values.slice();
  const chances = pattern === 'value' ? chancesByRank(rows, rate) : undefined;
  for (let row = 0; row < rows.count; row++) {
    const silent = pattern === 'silent' && random() < rate;
    for (let at = row * width; at < (row + 1) * width; at++) {
      const missing = pattern === 'silent' ? silent : random() < (chances?.[at] ?? rate);
      if (missing) values[at] = Number.NaN;
    }
  }
  return { ...rows, values };
}

/** By value: how likely it goes missing, from 0 for the least of its column to twice the rate for the largest. */
function chancesByRank({ values, width, count }: LabelledRows, rate: number): Float64Array {
  const chances = new Float64Array(values.length);
  for (let column = 0; column < width; column++) {
    const sorted = Float64Array.from({ length: count }, (_, row) => values[row * width + column]!).sort();
    const ranks = new Map<number, { first: number; last: number }>();
    for (const [at, value] of sorted.entries()) ranks.set(value, { first: ranks.get(value)?.first ?? at, last: at });
    for (let at = column; at < values.length; at += width) {
      const { first, last } = ranks.get(values[at]!)!;
      chances[at] = (rate * (first + last)) / Math.max(1, count - 1);
    }
  }
  return chances;
}

/** Different for each split, case and purpose; the same in each run. */
export const seedOf = (fold: number, column: number, purpose: number): number => fold * 10_000 + column * 100 + purpose;
