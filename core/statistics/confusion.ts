/**
 * `matrix[truth][label]`: how often each truth got each label. Columns beyond the number of rows hold labels of no class (declined):
 * each is a miss of its true class, and no class has it.
 */
export type ConfusionMatrix = readonly (readonly number[])[];

export interface ConfusionScores {
  readonly total: number;
  /** Undefined where nothing was scored, as is F1. */
  readonly accuracy: number | undefined;
  readonly macroF1: number | undefined;
  /** Of all labels together: the accuracy, but where the model declined: that is a miss, not a wrong label. */
  readonly microF1: number | undefined;
  /** The classes that occur, which `macroF1` is the mean over. */
  readonly classes: number;
}

/**
 * Accuracy and macro F1: the unweighted mean of each class's F1, over the classes that occur as truth or as label.
 * Source: scikit-learn, `f1_score(average='macro', zero_division=0)`, its `labels` without the declined one.
 * @param declined the index of declined labels, where the matrix is square. They are of no class, unless the data has a class of that
 * name: then it occurs as truth
 */
export function scoreConfusion(matrix: ConfusionMatrix, declined = -1): ConfusionScores {
  const size = matrix.length;
  const truths = new Float64Array(size);
  const labels = new Float64Array(size);
  const hits = new Float64Array(size);
  let total = 0;
  let right = 0;
  let misses = 0;
  for (const [truth, row] of matrix.entries()) {
    for (const [label, count] of row.entries()) {
      truths[truth]! += count;
      if (label < size) labels[label]! += count;
      else misses += count;
      total += count;
    }
    hits[truth] = row[truth]!;
    right += row[truth]!;
  }
  if (total === 0) return { total, accuracy: undefined, macroF1: undefined, microF1: undefined, classes: 0 };
  if (declined >= 0 && truths[declined] === 0) {
    misses += labels[declined]!;
    labels[declined] = 0;
  }
  let sum = 0;
  let classes = 0;
  for (let index = 0; index < size; index += 1) {
    const occurrences = truths[index]! + labels[index]!;
    if (occurrences === 0) continue;
    classes += 1;
    sum += (2 * hits[index]!) / occurrences;
  }
  const microF1 = (2 * right) / (2 * total - misses);
  return { total, accuracy: right / total, macroF1: sum / classes, microF1, classes };
}
