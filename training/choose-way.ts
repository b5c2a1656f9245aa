import { type Dataset, encodeNames } from '../core/dataset/dataset.ts';
import { groupedSplit } from '../core/dataset/grouped-split.ts';
import { sampleRows } from '../core/dataset/rows-of.ts';
import { elementAt } from '../core/numeric/element.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import type { RowCost } from './budget.ts';
import { FoldRunner } from './fold-runner.ts';
import { type LabelledRows, labelledRows, pickLabelledRows } from './rows.ts';
import { addedRates, type FoldJob, type FoldScore } from './score-fold.ts';
import { rowsOfFinalFits } from './train.ts';
import type { Way } from './ways.ts';

export interface ChooseInput {
  /** To learn from; the rows that score the model in the end are not among them. */
  readonly dataset: Dataset;
  /** The simplest first: of equals the earlier one is chosen. */
  readonly ways: readonly Way[];
  /** For trying them and making the final model. */
  readonly budgetMs: number;
  readonly seed: number;
  /** Fits to all rows that come after the final model. Default 0. */
  readonly furtherFits?: number;
  /** Where steps made the rows, how long a window is: devices, or times, are then kept together, in one held-out third. */
  readonly marginNs?: number;
  readonly onTried?: (tried: TriedWay) => void;
  /** Default: the machine's. */
  readonly clockMs?: () => number;
  /** Fits and scores one fold, and ends it after `mostMs`: then it gives undefined. Default: in a thread. */
  readonly runFold?: (job: FoldJob, mostMs: number) => Promise<FoldScore | undefined>;
}

/** What cross-validation found of one way. */
export interface TriedWay {
  readonly way: Way;
  /** By {@link addedRates}: the mean over the folds. */
  readonly accuracy: readonly number[];
  /** Half for the gaps that the data has, half for more of them. */
  readonly score: number;
  readonly folds: number;
}

export interface Choice {
  readonly chosen: TriedWay;
  /** Those that were scored; what is too slow for the final model, on one fold. */
  readonly tried: readonly TriedWay[];
  /** Rows that cross-validation used. */
  readonly rows: number;
  /** Of the chosen way. */
  readonly cost: RowCost;
}

const rateWeights = [0.5, 0.25, 0.25];
const folds = 3;
/** More make the choice slower, hardly surer. */
const mostRows = 3_000;
const mostValues = 200_000;
/** The share of the budget for trying; the rest is for the final model. */
const tryingShare = 0.45;
/** The share of it after which the first fold, which is never left out, stops learning. */
const firstShare = 0.3;
/** A way that can learn from so many rows in time may be chosen: more make a model slower, hardly better. */
const enoughRows = 30_000;
/** Fits take longer than in proportion to their rows. */
const margin = 1.25;
/** How often as much is labelled for the final model as for a fold: to learn how many gaps it stands, and to score it. */
const finalScores = 4;
/** Of the time that is left for trying, what a way may take whose cost is not known. */
const unknownShare = 0.5;

interface Trial {
  readonly way: Way;
  readonly byFold: (readonly number[])[];
  /** What one fold took at the most, fitting alone for each of its rows, and scoring alone. */
  foldMs: number;
  rowMs: number;
  scoreMs: number;
}

/** Rows to learn from, and rows to score on. */
interface Fold {
  readonly fit: readonly number[];
  readonly held: readonly number[];
}

/**
 * Chooses a way by stratified cross-validation, on a sample of the rows. The first fold tells what each way costs; a fold that takes
 * longer than there is time is ended. Further folds are for the ways whose final model fits into the budget, and are begun only where the
 * time is enough for all of them.
 */
export async function chooseWay(input: ChooseInput): Promise<Choice> {
  const runner = new FoldRunner();
  try {
    return await choose({ runFold: (job, mostMs) => runner.run(job, mostMs), ...input });
  } finally {
    await runner.close();
  }
}

async function choose(input: ChooseInput & Required<Pick<ChooseInput, 'runFold'>>): Promise<Choice> {
  const { dataset, budgetMs, seed, furtherFits = 0, clockMs = () => performance.now() } = input;
  const began = clockMs();
  const all = labelledRows(dataset, dataset.classes);
  const parts = partsOf(all, input);
  const [first, ...further] = parts;
  if (first === undefined) throw new RangeError('there is no fold');
  const leftMs = () => budgetMs - (clockMs() - began);
  const tryingMs = () => leftMs() - budgetMs * (1 - tryingShare);
  const learnt = Math.min(all.count, enoughRows);
  const finalRows = rowsOfFinalFits(learnt) + furtherFits * learnt;
  const finalMs = ({ rowMs, scoreMs }: Trial) => rowMs * finalRows * margin + scoreMs * finalScores;
  const run = async (trial: Trial, { fit, held }: Fold, mostMs: number, fitWithinMs?: number): Promise<boolean> => {
    const { fields, classes } = dataset;
    const rows = { fit: pickLabelledRows(all, fit), test: pickLabelledRows(all, held) };
    const beganMs = clockMs();
    const { options } = trial.way;
    const found = await input.runFold({ ...rows, fields, classes, options, seed, fitWithinMs }, mostMs);
    if (found === undefined) return false;
    trial.foldMs = Math.max(trial.foldMs, clockMs() - beganMs);
    trial.scoreMs = Math.max(trial.scoreMs, clockMs() - beganMs - found.fitMs);
    trial.rowMs = Math.max(trial.rowMs, found.fitMs / fit.length);
    trial.byFold.push(found.accuracies);
    return true;
  };

  const trials: Trial[] = [];
  for (const [index, way] of input.ways.entries()) {
    const trial: Trial = { way, byFold: [], foldMs: 0, rowMs: 0, scoreMs: 0 };
    // The first way is always tried once: something has to be chosen. Where it takes long, it learns less.
    const mostMs = index === 0 ? Number.POSITIVE_INFINITY : tryingMs() * unknownShare;
    const fitWithinMs = index === 0 ? tryingMs() * firstShare : undefined;
    if (mostMs > 0 && (await run(trial, first, mostMs, fitWithinMs))) trials.push(trial);
  }
  const able = trials.filter((trial, index) => index === 0 || finalMs(trial) <= leftMs());
  let common = 1;
  for (const fold of further) {
    const cost = able.reduce((sum, { foldMs }) => sum + foldMs, 0);
    const dearest = Math.max(...able.map(finalMs));
    if (cost > tryingMs() || dearest > leftMs() - cost) break;
    for (const trial of able) if (!(await run(trial, fold, tryingMs()))) break;
    if (able.some(({ byFold }) => byFold.length <= common)) break;
    common += 1;
  }
  const tried = trials.map((trial) => summed(trial, able.includes(trial) ? common : 1));
  for (const each of tried) input.onTried?.(each);
  const choices = tried.filter((_, index) => able.includes(elementAt(trials, index)));
  const chosen = choices.reduce((best, each) => (each.score > best.score ? each : best));
  const { rowMs, scoreMs } = elementAt(trials, tried.indexOf(chosen));
  const cost = {
    fit: { rows: first.fit.length, ms: rowMs * first.fit.length },
    labelMs: scoreMs / (addedRates.length * first.held.length),
  };
  return { chosen, tried, rows: first.fit.length + first.held.length, cost };
}

function summed({ way, byFold }: Trial, count: number): TriedWay {
  const used = byFold.slice(0, count);
  const accuracy = addedRates.map((_, rate) => used.reduce((sum, each) => sum + elementAt(each, rate), 0) / count);
  const weighted = accuracy.reduce((sum, each, rate) => sum + each * elementAt(rateWeights, rate), 0);
  return { way, accuracy, score: weighted, folds: count };
}

function partsOf(rows: LabelledRows, { seed, marginNs }: ChooseInput): Fold[] {
  if (marginNs === undefined) return foldsOf(rows, seed);
  const third = heldThird(rows, { seed, marginNs });
  // Too few windows for a third of their own: better a rough choice than none.
  return third.fit.length > 0 && third.held.length > 0 ? [third] : foldsOf(rows, seed);
}

/** Devices that no way has learnt from, or the last third of the time; of many rows an even sample. */
function heldThird(rows: LabelledRows, { seed, marginNs }: { seed: number; marginNs: number }): Fold {
  const { labels, times, devices, width } = rows;
  const index = encodeNames(devices).index;
  const { train, test } = groupedSplit({ labels, times, marginNs, devices: index }, { fraction: 2 / 3, seed });
  const most = Math.min(mostRows, Math.max(200, Math.floor(mostValues / Math.max(1, width))));
  const some = (part: Int32Array, share: number) =>
    Array.from(sampleRows(part.length, Math.ceil(most * share)), (at) => elementAt(part, at));
  return { fit: some(train, 2 / 3), held: some(test, 1 / 3) };
}

/** Rows by fold, each with its part of every class. */
function foldsOf({ labels, count, width }: LabelledRows, seed: number): Fold[] {
  const most = Math.min(count, mostRows, Math.max(200, Math.floor(mostValues / Math.max(1, width))));
  const random = mulberry32(seed);
  const order = Array.from({ length: count }, (_, row) => ({ row, label: elementAt(labels, row), key: random() }));
  order.sort((left, right) => left.label - right.label || left.key - right.key);
  const parts: number[][] = Array.from({ length: folds }, () => []);
  for (let index = 0; index < most; index += 1) {
    const { row } = elementAt(order, Math.floor((index * count) / most));
    elementAt(parts, index % folds).push(row);
  }
  return parts.map((held, fold) => ({ held, fit: parts.flatMap((part, index) => (index === fold ? [] : part)) }));
}
