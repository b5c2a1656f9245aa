import { elementAt } from '../core/numeric/element.ts';
import { scoreConfusion } from '../core/statistics/confusion.ts';

/** How right labels are. */
export interface Scores {
  readonly rows: number;
  readonly accuracy: number;
  /** Macro F1: the mean over the classes that occur as truth or label. */
  readonly f1: number;
  /** `confusion[truth][label]`, in the order of the classes. */
  readonly confusion: number[][];
}

/**
 * Scores labels against truths, both as index of the class. A label of -1 (declined) is wrong, and in no column of the confusion.
 * See {@link scoreConfusion}. Without rows both scores are 0.
 */
export function score(truths: Int32Array, labels: Int32Array, classes: number): Scores {
  // The last column is for declined labels.
  const counts = Array.from({ length: classes }, () => new Array<number>(classes + 1).fill(0));
  for (const [row, truth] of truths.entries()) {
    const label = elementAt(labels, row);
    elementAt(counts, truth)[label < 0 ? classes : label]! += 1;
  }
  const { accuracy = 0, macroF1 = 0 } = scoreConfusion(counts);
  return { rows: truths.length, accuracy, f1: macroF1, confusion: counts.map((row) => row.slice(0, classes)) };
}
