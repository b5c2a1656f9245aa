import { walkWithGaps } from './gaps.ts';
import { type CompiledForest, firstMaximum } from './layout.ts';
import { nodeBytes, taskBytes } from './walk-kernel.ts';

/** Where `predict` writes. The arrays belong to the caller and are overwritten. */
export interface Prediction {
  /** `count * outputs`, row-major; each row sums to one. In regression the values. */
  readonly probabilities: Float64Array;
  /** Length `count`: index of the most probable class, of equals the first; in regression 0. */
  readonly labels: Int32Array;
}

/** Fewer rows than this are walked one by one down all trees, more of them tree by tree. */
const fewRows = 8;

/**
 * Labels rows. `values` is row-major, `count * width`; NaN is a gap, at which both branches count by the training weight
 * that went each way (trees that learnt a direction for gaps follow it). Pure, and allocates nothing by row.
 */
export function predict(compiled: CompiledForest, values: Float64Array, count: number, out: Prediction): void {
  const { rowsAtOnce, forest, outputs } = compiled;
  out.labels.fill(0, 0, count);
  for (let row = 0; row < count; row++) {
    for (let output = 0; output < outputs; output++) {
      out.probabilities[row * outputs + output] = forest.boosting ? forest.boosting.base[output]! : 0;
    }
  }
  for (let from = 0; from < count; from += rowsAtOnce) {
    const whole = takeRows(compiled, values, from, Math.min(count, from + rowsAtOnce), out);
    if (whole < fewRows) walkRowByRow(compiled, whole, out);
    else walkTreeByTree(compiled, whole, out);
  }
  finish(compiled, count, out);
}

/** Copies the rows without gaps to where the kernel walks and says how many they are; answers the others itself. */
function takeRows(compiled: CompiledForest, values: Float64Array, from: number, to: number, out: Prediction): number {
  const { width, floats, rowsAt, stride, scratch } = compiled;
  let taken = 0;
  for (let row = from; row < to; row++) {
    const into = (rowsAt + taken * stride) / 8 + 1;
    let gaps = false;
    for (let column = 0, at = row * width; column < width; column++, at++) {
      const value = values[at]!;
      floats[into + column] = value;
      if (Number.isNaN(value)) gaps = true;
    }
    if (gaps) {
      answerWithGaps(compiled, values, row, out);
    } else {
      scratch.rowOf[taken] = row;
      scratch.most[taken] = 0;
      taken++;
    }
  }
  return taken;
}

function answerWithGaps(
  { forest, voting, width, outputs, scratch }: CompiledForest,
  values: Float64Array,
  row: number,
  { probabilities, labels }: Prediction,
): void {
  let most = 0;
  for (const tree of forest.trees) {
    walkWithGaps(tree, values, row * width, scratch);
    if (voting === 'majority') {
      const vote = firstMaximum(scratch.answer, 0, outputs);
      const votes = ++probabilities[row * outputs + vote]!;
      if (votes > most) {
        most = votes;
        labels[row] = vote;
      }
    } else {
      for (let output = 0; output < outputs; output++)
        probabilities[row * outputs + output]! += scratch.answer[output]!;
    }
  }
}

function walkTreeByTree(compiled: CompiledForest, count: number, out: Prediction): void {
  const { kernel, roots, words, rowsAt, stride, voting } = compiled;
  const end = rowsAt + count * stride;
  for (let tree = 0; tree < roots.length; tree++) {
    kernel.walkRows(rowsAt, end, stride, roots[tree]!);
    if (voting === 'majority') {
      for (let at = 0, slot = rowsAt / 4; at < count; at++, slot += stride / 4) vote(compiled, at, words[slot]!, out);
    } else {
      addLeaves(compiled, count, out.probabilities);
    }
  }
}

/** Adds what the leaves say that one tree's walk has led to. */
function addLeaves(
  { words, rowsAt, stride, outputs, leafOf, leafValues, scratch }: CompiledForest,
  count: number,
  sums: Float64Array,
): void {
  const { rowOf } = scratch;
  for (let at = 0, slot = rowsAt / 4; at < count; at++, slot += stride / 4) {
    const leaf = leafOf[words[slot]! / nodeBytes]!;
    const into = rowOf[at]! * outputs;
    for (let output = 0; output < outputs; output++) sums[into + output]! += leafValues[leaf + output]!;
  }
}

function walkRowByRow(compiled: CompiledForest, count: number, out: Prediction): void {
  const { kernel, words, rowsAt, stride, tasksAt, roots, outputs, leafOf, leafValues, voting, scratch } = compiled;
  for (let at = 0; at < count; at++) {
    kernel.walkTrees(tasksAt, tasksAt + roots.length * taskBytes, rowsAt + at * stride);
    const into = scratch.rowOf[at]! * outputs;
    for (let tree = 0, slot = tasksAt / 4 + 1; tree < roots.length; tree++, slot += taskBytes / 4) {
      if (voting === 'majority') {
        vote(compiled, at, words[slot]!, out);
        continue;
      }
      const leaf = leafOf[words[slot]! / nodeBytes]!;
      for (let output = 0; output < outputs; output++) out.probabilities[into + output]! += leafValues[leaf + output]!;
    }
  }
}

/** Counts a tree's vote. On a draw the class leads that was first to have as many votes, as in `ml-array-mode`. */
function vote(
  { votes, outputs, scratch }: CompiledForest,
  at: number,
  leaf: number,
  { probabilities, labels }: Prediction,
): void {
  const row = scratch.rowOf[at]!;
  const label = votes[leaf / nodeBytes]!;
  const counted = ++probabilities[row * outputs + label]!;
  if (counted <= scratch.most[at]!) return;
  scratch.most[at] = counted;
  labels[row] = label;
}

/** From sums over trees to probabilities, and to labels where the votes did not make them already. */
function finish(
  { forest, voting, outputs }: CompiledForest,
  count: number,
  { probabilities, labels }: Prediction,
): void {
  const { boosting, trees } = forest;
  if (!boosting) for (let at = 0; at < count * outputs; at++) probabilities[at]! /= trees.length;
  if (voting === 'mean') {
    for (let row = 0; row < count; row++) labels[row] = firstMaximum(probabilities, row * outputs, outputs);
  }
  if (boosting && boosting.link !== 'identity') link(probabilities, count, outputs, boosting.link);
}

function link(sums: Float64Array, count: number, outputs: number, kind: 'logistic' | 'softmax'): void {
  for (let from = 0; from < count * outputs; from += outputs) {
    if (kind === 'logistic') {
      for (let at = from; at < from + outputs; at++) sums[at] = 1 / (1 + Math.exp(-sums[at]!));
      continue;
    }
    const greatest = sums[from + firstMaximum(sums, from, outputs)]!;
    let total = 0;
    for (let at = from; at < from + outputs; at++) total += sums[at] = Math.exp(sums[at]! - greatest);
    for (let at = from; at < from + outputs; at++) sums[at]! /= total;
  }
}
