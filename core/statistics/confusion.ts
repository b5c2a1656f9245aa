export interface Counts {
  readonly accuracy: number | null;
  readonly f1: number | null;
  readonly total: number;
}

/**
 * Accuracy and macro F1 of a confusion matrix (rows truth, columns labels). Macro F1 is the unweighted mean of each class's F1 over the
 * classes that occur as truth or as label.
 * Source: scikit-learn, `f1_score(average='macro', zero_division=0)`.
 */
export function scoreOf(matrix: readonly (readonly number[])[]): Counts {
  const size = matrix.length;
  const truths = new Float64Array(size);
  const labels = new Float64Array(size);
  let total = 0;
  let right = 0;
  for (let truth = 0; truth < size; truth += 1) {
    for (let label = 0; label < size; label += 1) {
      const weight = matrix[truth]![label]!;
      truths[truth]! += weight;
      labels[label]! += weight;
      total += weight;
      if (truth === label) right += weight;
    }
  }
  if (total === 0) return { accuracy: null, f1: null, total };
  let sum = 0;
  let seen = 0;
  for (let index = 0; index < size; index += 1) {
    if (truths[index]! + labels[index]! === 0) continue;
    seen += 1;
    sum += (2 * matrix[index]![index]!) / (truths[index]! + labels[index]!);
  }
  return { accuracy: right / total, f1: seen === 0 ? null : sum / seen, total };
}
