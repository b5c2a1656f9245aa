import { argmax } from '../numeric/argmax.ts';
import type { ImputerSession } from './impute/imputer.ts';
import type { Estimates } from './kinds/estimator.ts';
import { pickRows, type Rows } from './rows.ts';

/** Several completions of the rows that have gaps, one of those that have none. */
export interface Completions {
  readonly count: number;
  readonly values: Float64Array;
  /** By completion: the row that it completes, ascending. */
  readonly origin: Int32Array;
}

/** Multiple imputation: each row with gaps is completed `draws` times, each time plausibly. Rows without stand once. */
export function completeByDraws(
  rows: Rows,
  filled: Float64Array,
  gaps: Int32Array,
  imputing: ImputerSession,
  draws: number,
): Completions {
  const { width } = rows;
  const gappy = pickRows(
    rows,
    [...gaps.keys()].filter((row) => gaps[row] !== 0),
  );
  const completed = Array.from({ length: draws }, (_, number) => {
    const into = new Float64Array(gappy.count * width);
    imputing.draw(gappy, number, into);
    return into;
  });
  const count = rows.count + gappy.count * (draws - 1);
  const values = new Float64Array(count * width);
  const origin = new Int32Array(count);
  let from = 0;
  let to = 0;
  for (const [row, missing] of gaps.entries()) {
    const sources = missing > 0 ? completed : [filled];
    const at = (missing > 0 ? from++ : row) * width;
    for (const source of sources) {
      values.set(source.subarray(at, at + width), to * width);
      origin[to++] = row;
    }
  }
  return { count, values, origin };
}

/**
 * Averages the probabilities of each row's completions. `sensitivity` is their mean distance from the average, as total variation: 0
 * where what was filled does not matter to the prediction, towards 1 where it decides.
 * The `spread` of an ensemble is the mean over the completions.
 * Source: Rubin (1987), Multiple Imputation for Nonresponse in Surveys; the spread between imputations, here of probabilities.
 */
export function averageDraws(
  { probabilities, spread }: Estimates,
  { count, origin }: Completions,
  rows: number,
  classes: number,
): Estimates & { readonly sensitivity: Float64Array } {
  const labels = new Int32Array(rows);
  const averages = new Float64Array(rows * classes);
  const sensitivity = new Float64Array(rows);
  const spreads = spread && new Float64Array(rows);
  for (let first = 0, end = 0; first < count; first = end) {
    const row = origin[first]!;
    while (end < count && origin[end] === row) end += 1;
    const average = averages.subarray(row * classes, (row + 1) * classes);
    for (let at = first * classes; at < end * classes; at++)
      average[at % classes]! += probabilities[at]! / (end - first);
    let distance = 0;
    for (let at = first * classes; at < end * classes; at++)
      distance += Math.abs(probabilities[at]! - average[at % classes]!);
    sensitivity[row] = distance / 2 / (end - first);
    if (spread && spreads)
      spreads[row] = spread.subarray(first, end).reduce((sum, each) => sum + each, 0) / (end - first);
    labels[row] = average.includes(Number.NaN) ? -1 : argmax(average);
  }
  return { labels, probabilities: averages, sensitivity, ...(spreads && { spread: spreads }) };
}
