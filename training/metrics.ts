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
 * Source: F1 as scikit-learn's `f1_score(average="macro")`, a class without true positives scoring 0.
 */
export function score(truths: Int32Array, labels: Int32Array, classes: number): Scores {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const declined = new Array<number>(classes).fill(0);
  let right = 0;
  for (const [row, truth] of truths.entries()) {
    const label = labels[row]!;
    if (label < 0) declined[truth]! += 1;
    else confusion[truth]![label]! += 1;
    if (label === truth) right += 1;
  }
  const f1s: number[] = [];
  for (let index = 0; index < classes; index++) {
    const truly = confusion[index]!.reduce((sum, each) => sum + each, declined[index]!);
    const labelled = confusion.reduce((sum, row) => sum + row[index]!, 0);
    if (truly + labelled > 0) f1s.push((2 * confusion[index]![index]!) / (truly + labelled));
  }
  const mean = f1s.reduce((sum, each) => sum + each, 0) / Math.max(1, f1s.length);
  return { rows: truths.length, accuracy: right / Math.max(1, truths.length), f1: mean, confusion };
}
