/**
 * `matrix[truth][label]`: how often each truth got each label. Columns beyond the number of rows hold labels of no class (declined):
 * they count as wrong.
 */
export type ConfusionMatrix = readonly (readonly number[])[];

export interface ConfusionScores {
  readonly total: number;
  /** Undefined where nothing was scored, as is `macroF1`. */
  readonly accuracy: number | undefined;
  readonly macroF1: number | undefined;
}

/**
 * Accuracy and macro F1: the unweighted mean of each class's F1, over the classes that occur as truth or as label.
 * Source: scikit-learn, `f1_score(average='macro', zero_division=0)`.
 */
export function scoreConfusion(matrix: ConfusionMatrix): ConfusionScores {
  const size = matrix.length;
  const truths = new Float64Array(size);
  const labels = new Float64Array(size);
  const hits = new Float64Array(size);
  let total = 0;
  let right = 0;
  for (const [truth, row] of matrix.entries()) {
    for (const [label, count] of row.entries()) {
      truths[truth]! += count;
      if (label < size) labels[label]! += count;
      total += count;
    }
    hits[truth] = row[truth]!;
    right += row[truth]!;
  }
  if (total === 0) return { total, accuracy: undefined, macroF1: undefined };
  let sum = 0;
  let seen = 0;
  for (let index = 0; index < size; index += 1) {
    const occurrences = truths[index]! + labels[index]!;
    if (occurrences === 0) continue;
    seen += 1;
    sum += (2 * hits[index]!) / occurrences;
  }
  return { total, accuracy: right / total, macroF1: sum / seen };
}
