import { encodeNames } from '../core/dataset/dataset.ts';
import { groupedSplit } from '../core/dataset/grouped-split.ts';
import { stratifiedSplit } from '../core/dataset/split.ts';
import { type LabelledRows, pickLabelledRows } from './rows.ts';

export interface HoldOutOptions {
  readonly seed: number;
  /** Where steps made the rows: how long a window is, 0 without windows. Rows of one device are alike then, and stay together. */
  readonly marginNs?: number;
}

const fraction = 0.8;

/** Keeps a fifth of the rows apart to score on: by label, and where steps made the rows by device or by time, never row by row. */
export function holdOut(
  rows: LabelledRows,
  { seed, marginNs }: HoldOutOptions,
): { train: LabelledRows; test: LabelledRows } {
  const { labels, times } = rows;
  const split =
    marginNs === undefined
      ? stratifiedSplit({ labels, fraction, seed })
      : groupedSplit({ labels, times, marginNs, devices: encodeNames(rows.devices).index }, { fraction, seed });
  return { train: pickLabelledRows(rows, split.train), test: pickLabelledRows(rows, split.test) };
}
