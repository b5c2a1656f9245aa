import { elementAt } from '../../core/numeric/element.ts';
import { scoreConfusion } from '../../core/statistics/confusion.ts';
import { unknownLabel } from '../../core/wire/prediction.ts';
import type { ByGaps, OverallScores, Score, Scores } from '../events.ts';
import type { Line } from './line.ts';
import { rounded } from './rounded.ts';
import { enough, type Second, windowSeconds } from './window.ts';

/** After this many predictions without truth the page no longer waits for it. */
const predictionsWithoutTruth = 50;

/** Accuracy, macro F1 and the confusion matrix, over the newest seconds with enough labels whose truth is known. */
export function scoreFigures(line: Line, nowSecond: number): Score {
  const { classes } = line;
  const need = Math.max(enough, 50 * classes.names.length);
  const seconds = line.window.newest(nowSecond, windowSeconds, need, scoredOf);
  const matrix = classes.matrixOf(seconds);
  const oldest = seconds.at(-1);
  return {
    truth: line.truthsSeen > 0 ? 'known' : line.predictionsSeen >= predictionsWithoutTruth ? 'none' : 'unknown',
    seconds: oldest === undefined ? 0 : Math.max(1, nowSecond - oldest.at + 1),
    ...scoresOf(matrix, classes.names),
  };
}

/** The same over all labels since the page began to watch. */
export const overallFigures = ({ classes, confusion, firstSecond }: Line): OverallScores => ({
  since: Number.isFinite(firstSecond) ? firstSecond * 1_000 : null,
  ...scoresOf(classes.matrixOf([{ confusion }]), classes.names),
});

function scoresOf(matrix: readonly (readonly number[])[], names: readonly string[]): Scores {
  const { accuracy, macroF1, microF1, classes, total } = scoreConfusion(matrix, names.indexOf(unknownLabel));
  return {
    labels: total,
    accuracy: accuracy === undefined ? null : rounded(accuracy, 4),
    f1: macroF1 === undefined ? null : rounded(macroF1, 4),
    f1Classes: classes,
    microF1: microF1 === undefined ? null : rounded(microF1, 4),
    matrix,
  };
}

/** How many labels were right, by the number of gaps of their reading, or of their window where the newest label is a window's. */
export function byGapsOf(line: Line, nowSecond: number): ByGaps {
  const { upTo, upToOfWindows } = line.gapBins;
  const [tops, first] = line.labelsWindows ? [upToOfWindows, upTo.length] : [upTo, 0];
  let from = 0;
  const bins = tops.map((to) => {
    const bin = { from, to, scored: 0, right: 0 };
    from = to + 1;
    return bin;
  });
  for (const { scoredByGaps, rightByGaps } of line.window.all(nowSecond)) {
    for (const [index, bin] of bins.entries()) {
      bin.scored += elementAt(scoredByGaps, first + index);
      bin.right += elementAt(rightByGaps, first + index);
    }
  }
  if (!line.labelsWindows) return { of: 'reading', bins };
  // How many columns a window has is not known here: bins behind the last that was met say nothing.
  return {
    of: 'window',
    bins: bins.slice(
      0,
      1 +
        Math.max(
          0,
          bins.findLastIndex(({ scored }) => scored > 0),
        ),
    ),
  };
}

export function scoredOf({ confusion }: Second): number {
  let scored = 0;
  for (const count of confusion.values()) scored += count;
  return scored;
}

export function rightOf({ confusion }: Second, classLimit: number): number {
  let right = 0;
  for (const [cell, count] of confusion) if (Math.floor(cell / classLimit) === cell % classLimit) right += count;
  return right;
}
