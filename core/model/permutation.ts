import { elementAt } from '../numeric/element.ts';
import { Xoshiro128PlusPlus } from '../numeric/random/xoshiro128pp.ts';

export interface PermutationInput {
  /** Row-major, `count * width`; NaN is a gap and is shuffled like a value. Better rows that the model was not trained on. */
  readonly values: Float64Array;
  readonly count: number;
  readonly width: number;
  /** The share of the rows that a model gets right when they have these values. */
  readonly accuracyOf: (values: Float64Array) => number | Promise<number>;
  /** Columns that are shuffled together, as a stretch of a series is. Default: each alone. */
  readonly groups?: readonly (readonly number[])[];
  /** How often each group is shuffled. Default 5. */
  readonly repeats?: number;
  /** The same seed shuffles in the same way. Default 1. */
  readonly seed?: number;
  readonly onProgress?: (progress: { readonly groups: number; readonly of: number }) => void;
}

export interface Permutation {
  /** With nothing shuffled. */
  readonly accuracy: number;
  /** By group: how much accuracy its shuffling costs, mean over the repeats. Below zero where the model was better off. */
  readonly lost: Float64Array;
  /** By group: the standard deviation of that over the repeats. */
  readonly spread: Float64Array;
}

/**
 * How much accuracy a classifier of any kind loses when a column, or a group of columns, is shuffled among the rows.
 * (Breiman 2001, section 10; scikit-learn's `permutation_importance`.)
 */
export async function permutationImportance(input: PermutationInput): Promise<Permutation> {
  const { values, count, width, accuracyOf, repeats = 5, seed = 1, onProgress } = input;
  const { groups = Array.from({ length: width }, (_, column) => [column]) } = input;
  const accuracy = await accuracyOf(values);
  const lost = new Float64Array(groups.length);
  const spread = new Float64Array(groups.length);
  const shuffled = values.slice(0, count * width);
  for (const [group, columns] of groups.entries()) {
    const losses = new Float64Array(repeats);
    for (let repeat = 0; repeat < repeats; repeat++) {
      // The same generator for each: a row's columns stay together.
      for (const column of columns)
        shuffleColumn(shuffled, count, width, column, new Xoshiro128PlusPlus(seed, group * repeats + repeat));
      losses[repeat] = accuracy - (await accuracyOf(shuffled));
    }
    for (const column of columns)
      for (let at = column; at < count * width; at += width) shuffled[at] = elementAt(values, at);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / repeats;
    lost[group] = mean;
    spread[group] = Math.sqrt(losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / repeats);
    onProgress?.({ groups: group + 1, of: groups.length });
  }
  return { accuracy, lost, spread };
}

function shuffleColumn(
  values: Float64Array,
  count: number,
  width: number,
  column: number,
  random: Xoshiro128PlusPlus,
): void {
  for (let row = count - 1; row > 0; row--) {
    const a = row * width + column;
    const b = random.below(row + 1) * width + column;
    const kept = elementAt(values, a);
    values[a] = elementAt(values, b);
    values[b] = kept;
  }
}
