import type { Model } from '../core/model/model.ts';
import { elementAt } from '../core/numeric/element.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { type LabelledRows, labelRows, pickLabelledRows } from './rows.ts';

/** Rows that are scored at each number of gaps; more make it slower, hardly surer; of fewer nothing can be told. */
const mostRows = 2_000;
const fewestRows = 100;
/** Numbers of gaps that are tried, evenly from one to all. */
const mostLevels = 24;

/**
 * How many gaps a row may have before its label is no better than the most frequent one. Rows that the model has not seen are masked until
 * so many values are missing; from all fields down, the first number at which more labels are right than the most frequent class has rows,
 * by a standard error, is the answer.
 * @param held rows that the model has not learnt from
 * @param mostLabelled so many rows are labelled at the most, over all numbers of gaps
 * @returns undefined where no number of gaps makes a difference: the model is no better from the start, or good with any number
 */
export async function learnMaxGaps(
  model: Model,
  held: LabelledRows,
  seed: number,
  mostLabelled = Number.POSITIVE_INFINITY,
): Promise<number | undefined> {
  const levels = Math.min(held.width, mostLevels);
  const rows = sampled(held, Math.min(mostRows, Math.max(fewestRows, Math.floor(mostLabelled / levels))));
  const { width, count } = rows;
  if (count === 0) return undefined;
  const majority = majorityShare(rows);
  const needed = majority + Math.sqrt((majority * (1 - majority)) / count);
  for (const gaps of levelsOf(width)) {
    const labels = await labelRows(model.open(), maskUpTo(rows, gaps, seed));
    if (accuracyOf(labels, rows.labels) > needed) return gaps === width ? undefined : gaps;
  }
  return undefined;
}

/** From all fields down to one. */
function levelsOf(width: number): number[] {
  const levels = Math.min(width, mostLevels);
  return Array.from({ length: levels }, (_, level) => Math.round((width * (levels - level)) / levels));
}

function sampled(rows: LabelledRows, most: number): LabelledRows {
  if (rows.count <= most) return rows;
  return pickLabelledRows(
    rows,
    Array.from({ length: most }, (_, index) => Math.floor((index * rows.count) / most)),
  );
}

/** Masks values at random until each row has so many gaps; rows that have more already stay as they are. */
function maskUpTo(rows: LabelledRows, gaps: number, seed: number): LabelledRows {
  const random = mulberry32(seed);
  const { width, count } = rows;
  const values = Float64Array.from(rows.values);
  for (let row = 0; row < count; row += 1) {
    const measured: number[] = [];
    for (let at = row * width; at < (row + 1) * width; at += 1)
      if (!Number.isNaN(elementAt(values, at))) measured.push(at);
    for (let missing = width - measured.length; missing < gaps; missing += 1) {
      const chosen = Math.floor(random() * measured.length);
      values[elementAt(measured, chosen)] = Number.NaN;
      measured[chosen] = elementAt(measured, measured.length - 1);
      measured.pop();
    }
  }
  return { ...rows, values };
}

function majorityShare({ labels, count }: LabelledRows): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / count;
}

function accuracyOf(labels: Int32Array, truths: Int32Array): number {
  return labels.reduce((right, label, row) => right + (label === truths[row] ? 1 : 0), 0) / labels.length;
}
