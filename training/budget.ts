import type { Dataset } from '../core/dataset/dataset.ts';
import { rowsOf } from '../core/dataset/rows-of.ts';
import { stratifiedSplit } from '../core/dataset/split.ts';
import { type LabelledRows, pickLabelledRows } from './rows.ts';

/** What rows cost on this machine, with whatever else works on it: measured on a fold. */
export interface RowCost {
  /** A fit that was measured: how long it and packing took. */
  readonly fit: TimedFit;
  /** Predicting, for each row. */
  readonly labelMs: number;
}

export interface TimedFit {
  readonly rows: number;
  readonly ms: number;
}

/** The time in which a model is to be made. What does not fit into it is cut, and told. */
export interface Budget extends RowCost {
  readonly leftMs: () => number;
}

/** What each part of making a model may take of the time that is left when it begins. The rest is for writing it. */
const shares = { trial: 0.15, maxGaps: 0.1, fit: 0.45, score: 0.15 } as const;
/** When a fit is ended that takes longer than it should. */
const ends = { trial: 0.3, fit: 0.65 } as const;
/** Fits take longer than in proportion to their rows. */
const margin = 1.25;
/** Fewer rows cost hardly less. */
const fewestRows = 200;
/** Of the cost of a row, what is no fixed cost of the fit, at the least. */
const leastSlope = 0.2;

/** How many rows a part takes at most, and when its fit has to end. Without a budget nothing is cut. */
export interface Limits {
  /** To learn from. */
  readonly rows: number;
  readonly isTimeUp?: (() => boolean) | undefined;
  /** To label. */
  readonly labelled: number;
}

const everything: Limits = { rows: Number.POSITIVE_INFINITY, labelled: Number.POSITIVE_INFINITY };

/** Of the fit that finds how many gaps a label survives. */
export function trialLimits(budget: Budget | undefined): Limits {
  if (!budget) return everything;
  const { leftMs, fit, labelMs } = budget;
  const all = Math.max(0, leftMs());
  return {
    rows: rowsIn(all * shares.trial, (fit.ms / fit.rows) * margin),
    isTimeUp: () => leftMs() < all * (1 - ends.trial),
    labelled: rowsIn(all * shares.maxGaps, labelMs),
  };
}

/**
 * Of the model itself.
 * @param trial - another fit that was measured: with it what a fit costs whatever its rows is known, and what each further row
 */
export function fitLimits(budget: Budget | undefined, trial?: TimedFit): Limits {
  if (!budget) return everything;
  const { leftMs, fit, labelMs } = budget;
  const all = Math.max(0, leftMs());
  const known = trial && trial.rows > fit.rows * 1.5 ? trial : undefined;
  const base = known ?? { rows: 0, ms: 0 };
  const mean = (known ?? fit).ms / (known ?? fit).rows;
  const slope = known ? Math.max(mean * leastSlope, (known.ms - fit.ms) / (known.rows - fit.rows)) : mean;
  const further = (all * shares.fit) / margin - base.ms;
  return {
    rows: further > 0 ? base.rows + rowsIn(further, slope) : rowsIn(all * shares.fit, mean * margin),
    isTimeUp: () => leftMs() < all * (1 - ends.fit),
    labelled: rowsIn(all * shares.score, labelMs),
  };
}

const rowsIn = (ms: number, rowMs: number): number => Math.max(fewestRows, Math.floor(ms / Math.max(rowMs, 1e-6)));

/** So many of the rows at the most: a sample with its part of every class, the same each time. */
export const sampleLabelled = (rows: LabelledRows, most: number, seed: number): LabelledRows =>
  rows.count <= most ? rows : pickLabelledRows(rows, sampleByLabel(rows.labels, most, seed));

/** The same of a data set. */
export const sampleDataset = (dataset: Dataset, most: number, seed = 1): Dataset =>
  dataset.count <= most ? dataset : rowsOf(dataset, sampleByLabel(dataset.labels, most, seed));

/** Numbers of rows, ascending. */
export const sampleByLabel = (labels: Int32Array, most: number, seed: number): Int32Array =>
  stratifiedSplit({ labels, fraction: most / labels.length, seed }).train;
