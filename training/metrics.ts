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

/**
 * F1 weighted by the rows of each class, as scikit-learn's `f1_score(average='weighted', zero_division=0)`; and Youden's J, sensitivity
 * less false positive rate, as its mean over the classes that occur as truth, each against the others. Of two classes that is
 * sensitivity + specificity - 1. Source: Youden, Index for rating diagnostic tests, 1950. Without rows both are 0.
 */
export function weightedFigures(
  truths: Int32Array,
  labels: Int32Array,
  classes: number,
): { readonly weightedF1: number; readonly youden: number } {
  const [own, given, hits] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)];
  for (const [row, truth] of truths.entries()) {
    const label = elementAt(labels, row);
    own[truth]! += 1;
    if (label >= 0) given[label]! += 1;
    if (label === truth) hits[truth]! += 1;
  }
  let [weighted, youden, seen] = [0, 0, 0];
  for (let index = 0; index < classes; index++) {
    const [rows, hit, labelled] = [elementAt(own, index), elementAt(hits, index), elementAt(given, index)];
    if (rows === 0) continue;
    seen += 1;
    weighted += (rows * 2 * hit) / (rows + labelled);
    const others = truths.length - rows;
    youden += hit / rows - (others === 0 ? 0 : (labelled - hit) / others);
  }
  return { weightedF1: seen === 0 ? 0 : weighted / truths.length, youden: seen === 0 ? 0 : youden / seen };
}
