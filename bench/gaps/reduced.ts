import { compile } from '../../core/model/forest/layout.ts';
import { predict } from '../../core/model/forest/predict.ts';
import { trainForest } from '../../core/model/forest/train.ts';
import { argmax } from '../../core/numeric/argmax.ts';
import { elementAt } from '../../core/numeric/element.ts';
import type { LabelledRows } from '../../training/rows.ts';
import type { Result } from './results.ts';

/**
 * Reduced models: for each row that is predicted, a forest of its own over the columns that the row has. As good as it gets without
 * filling, and far too slow to serve: gaps at random leave hardly two rows with the same columns, so only some rows are predicted.
 * Source: Saar-Tsechansky and Provost (2007), Handling Missing Values when Applying Classification Models.
 */
export async function labelByReducedModels(
  train: LabelledRows,
  test: LabelledRows,
  classes: number,
  rows: number,
): Promise<Result> {
  const right: boolean[] = [];
  const gaps: number[] = [];
  let spentMs = 0;
  for (let sample = 0; sample < rows; sample++) {
    // Spread over all rows, whose order may go by class.
    const row = Math.floor((sample * test.count) / rows);
    const values = test.values.subarray(row * test.width, (row + 1) * test.width);
    const startedMs = performance.now();
    const label = await labelOne(train, values, classes);
    spentMs += performance.now() - startedMs;
    right.push(label === test.labels[row]);
    gaps.push(values.filter(Number.isNaN).length);
  }
  return { right, gaps, microsecondsPerRow: (spentMs * 1_000) / rows };
}

async function labelOne(train: LabelledRows, sample: Float64Array, classes: number): Promise<number> {
  const columns = Array.from(sample.keys()).filter((column) => !Number.isNaN(elementAt(sample, column)));
  if (columns.length === 0) return commonest(train.labels, classes);
  const width = columns.length;
  const values = new Float64Array(train.count * width);
  for (let row = 0; row < train.count; row++)
    for (let at = 0; at < width; at++)
      values[row * width + at] = elementAt(train.values, row * train.width + elementAt(columns, at));
  const { count, labels } = train;
  const { forest } = await trainForest({
    values,
    count,
    width,
    labels,
    classes,
    options: { trees: 30, seed: 1 },
    threads: 1,
  });
  const out = { labels: new Int32Array(1), probabilities: new Float64Array(classes) };
  predict(
    compile(forest),
    Float64Array.from(columns, (column) => elementAt(sample, column)),
    1,
    out,
  );
  return elementAt(out.labels, 0);
}

function commonest(labels: Int32Array, classes: number): number {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]! += 1;
  return argmax(counts);
}
