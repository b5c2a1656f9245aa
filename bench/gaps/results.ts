import { elementAt } from '../../core/numeric/element.ts';
import { table } from '../report.ts';
import { cases } from './cases.ts';

/** What one method predicted in one case of one split. */
export interface Result {
  /** By row that was predicted: whether the label was right. */
  readonly right: readonly boolean[];
  /** By row: how many of its values were missing. */
  readonly gaps: readonly number[];
  readonly microsecondsPerRow: number;
}

/** How much is known of a margin: the mean over the splits, and its standard error. */
export interface Margin {
  readonly mean: number;
  readonly error: number;
}

/** From so many gaps on, and up to the next. */
const gapSteps = [0, 4, 8, 16, 24, 32];

/** What every method predicted, by case and split. */
export class Results {
  /** By method, by case, by split. */
  readonly #all = new Map<string, Result[][]>();

  /** As {@link add} takes it. */
  toJSON(): [name: string, byCase: Result[][]][] {
    return [...this.#all];
  }

  /** Adds the splits that others measured. */
  add(others: readonly [name: string, byCase: readonly (readonly Result[])[]][]): void {
    for (const [name, byCase] of others)
      for (const [column, splits] of byCase.entries()) for (const split of splits) this.note(name, column, split);
  }

  note(name: string, column: number, result: Result): void {
    const byCase = this.#all.get(name) ?? cases.map(() => []);
    elementAt(byCase, column).push(result);
    this.#all.set(name, byCase);
  }

  #of(name: string, column: number): readonly Result[] {
    const results = this.#all.get(name)?.[column];
    if (!results) throw new Error(`${name} has no results for case ${column}`);
    return results;
  }

  accuracies(name: string, column: number): number[] {
    return this.#of(name, column).map(({ right }) => shareOf(right));
  }

  /** Accuracy by case as the mean over the splits, and the time by row. */
  table(names: readonly string[], titles: ReadonlyMap<string, string> = new Map()): string {
    const rows = names.map((name) => {
      const times = cases.flatMap((_, column) => this.#of(name, column).map((each) => each.microsecondsPerRow));
      const shown = cases.map((_, column) => mean(this.accuracies(name, column)).toFixed(3));
      return [titles.get(name) ?? name, ...shown, Math.round(mean(times)).toLocaleString('en')];
    });
    return table(['accuracy', ...cases.map(({ name }) => name), 'µs a row'], rows);
  }

  /** By number of gaps in a row, over all cases where values go missing at random: the share of right labels. */
  byGaps(names: readonly string[]): string {
    const counts = names.map((name) => this.#countByGaps(name));
    const rows = gapSteps.map((from, step) => {
      const to = gapSteps[step + 1];
      const here = counts.flatMap((count) => count.slice(step, step + 1));
      const shares = here.map((count) => (count.right / count.rows).toFixed(3));
      const total = here.slice(0, 1).map((count) => `${count.rows}`);
      return [to === undefined ? `${from} and more` : `${from} to ${to - 1}`, ...total, ...shares];
    });
    return table(['gaps of 57', 'rows', ...names], rows);
  }

  #countByGaps(name: string): { rows: number; right: number }[] {
    const counts = gapSteps.map((from) => ({ from, rows: 0, right: 0 }));
    for (const [column, { pattern }] of cases.entries()) {
      if (pattern !== 'random') continue;
      for (const { right, gaps } of this.#of(name, column)) {
        for (const [row, missing] of gaps.entries()) {
          const count = counts.findLast(({ from }) => from <= missing);
          if (!count) continue;
          count.rows += 1;
          if (right[row]) count.right += 1;
        }
      }
    }
    return counts;
  }

  /** How far one method is above the best of some others in a case, split by split. */
  margin(name: string, rivals: readonly string[], column: number): Margin {
    const of = (rival: string) => mean(this.accuracies(rival, column));
    const best = rivals.reduce((a, b) => (of(b) > of(a) ? b : a));
    const below = this.accuracies(best, column);
    const differences = this.accuracies(name, column).map((each, at) => each - elementAt(below, at));
    const average = mean(differences);
    const squares = differences.map((each) => (each - average) ** 2);
    const variance = squares.reduce((sum, each) => sum + each, 0) / Math.max(1, differences.length - 1);
    return { mean: average, error: Math.sqrt(variance / differences.length) };
  }

  margins(names: readonly string[], rivals: readonly string[]): string {
    const rows = names.map((name) => [
      name,
      ...cases.map((_, column) => {
        const { mean: average, error } = this.margin(name, rivals, column);
        return `${average < 0 ? '−' : '+'}${Math.abs(average).toFixed(4)} ± ${error.toFixed(4)}`;
      }),
    ]);
    return table(['above the better HistGradientBoosting', ...cases.map(({ name }) => name)], rows);
  }
}

function shareOf(right: readonly boolean[]): number {
  return right.filter(Boolean).length / right.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
