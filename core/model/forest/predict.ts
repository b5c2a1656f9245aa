import { argmax } from '../../numeric/argmax.ts';
import { walkWithGaps } from './gaps.ts';
import type { CompiledForest } from './layout.ts';
import { slotBytes, taskBytes, taskSlotAt } from './walk-kernel.ts';

/** Where `predict` writes. The arrays belong to the caller and are overwritten. */
export interface ForestOutput {
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
export function predict(compiled: CompiledForest, values: Float64Array, count: number, out: ForestOutput): void {
  const { rowsAtOnce, forest, voting, outputs } = compiled;
  const { probabilities, labels } = out;
  for (let from = 0; from < count; from += rowsAtOnce) {
    const whole = takeRows(compiled, values, from, Math.min(count, from + rowsAtOnce), probabilities);
    if (whole < fewRows) sumRowByRow(compiled, whole);
    else sumTreeByTree(compiled, whole);
    giveSums(compiled, whole, probabilities);
  }
  if (!forest.boosting) for (let at = 0; at < count * outputs; at++) probabilities[at]! /= forest.trees.length;
  for (let row = 0; row < count; row++) {
    const label = argmax(probabilities, row * outputs, outputs);
    labels[row] = voting === 'majority' ? leaderOf(compiled, values, row, probabilities, label) : label;
  }
  if (forest.boosting) link(probabilities, count, outputs, forest.boosting.link);
}

/** Copies the rows without gaps to where the kernel walks and returns how many they are; sums up the others itself. */
function takeRows(
  compiled: CompiledForest,
  values: Float64Array,
  from: number,
  to: number,
  sums: Float64Array,
): number {
  const { width, floats, rowsAt, stride, scratch } = compiled;
  let taken = 0;
  for (let row = from; row < to; row++) {
    const into = (rowsAt + taken * stride + slotBytes) / 8;
    let gaps = false;
    for (let column = 0, at = row * width; column < width; column++, at++) {
      const value = values[at]!;
      floats[into + column] = value;
      if (Number.isNaN(value)) gaps = true;
    }
    if (gaps) sumWithGaps(compiled, values, row, sums);
    else scratch.rowOf[taken++] = row;
  }
  clearSums(compiled, taken);
  return taken;
}

function clearSums({ floats, sumsAt, outputs, forest }: CompiledForest, count: number): void {
  const from = sumsAt / 8;
  if (!forest.boosting) floats.fill(0, from, from + count * outputs);
  else for (let row = 0; row < count; row++) floats.set(forest.boosting.base, from + row * outputs);
}

function sumTreeByTree({ kernel, roots, rowsAt, stride, sumsAt, outputs }: CompiledForest, count: number): void {
  const end = rowsAt + count * stride;
  for (let tree = 0; tree < roots.length; tree++) {
    kernel.walkRows(rowsAt, end, stride, roots[tree]!);
    kernel.addLeaves(rowsAt, end, stride, sumsAt, outputs * 8);
  }
}

function sumRowByRow({ kernel, roots, rowsAt, stride, tasksAt, sumsAt, outputs }: CompiledForest, count: number): void {
  const end = tasksAt + roots.length * taskBytes;
  for (let row = 0; row < count; row++) {
    kernel.walkTrees(tasksAt, end, rowsAt + row * stride);
    kernel.addLeaves(tasksAt + taskSlotAt, end, taskBytes, sumsAt + row * outputs * 8, 0);
  }
}

function giveSums({ floats, sumsAt, outputs, scratch }: CompiledForest, count: number, sums: Float64Array): void {
  for (let taken = 0, at = sumsAt / 8; taken < count; taken++) {
    const into = scratch.rowOf[taken]! * outputs;
    for (let output = 0; output < outputs; output++) sums[into + output] = floats[at++]!;
  }
}

function sumWithGaps(compiled: CompiledForest, values: Float64Array, row: number, sums: Float64Array): void {
  const { forest, voting, width, outputs, scratch } = compiled;
  const into = row * outputs;
  for (let output = 0; output < outputs; output++) sums[into + output] = forest.boosting?.base[output] ?? 0;
  for (const tree of forest.trees) {
    walkWithGaps(tree, values, row * width, scratch);
    if (voting === 'majority') sums[into + argmax(scratch.treeOutput, 0, outputs)]!++;
    else for (let output = 0; output < outputs; output++) sums[into + output]! += scratch.treeOutput[output]!;
  }
}

/**
 * The class with most votes. On a draw the one that was first to have so many, as in `ml-array-mode`: only then the votes
 * are counted again, in the order of the trees.
 */
function leaderOf(
  { forest, width, outputs, scratch }: CompiledForest,
  values: Float64Array,
  row: number,
  shares: Float64Array,
  label: number,
): number {
  const share = shares[row * outputs + label]!;
  let rivals = 0;
  for (let output = 0; output < outputs; output++) if (shares[row * outputs + output] === share) rivals++;
  if (rivals === 1) return label;
  const most = Math.round(share * forest.trees.length);
  const counted = new Map<number, number>();
  for (const tree of forest.trees) {
    walkWithGaps(tree, values, row * width, scratch);
    const vote = argmax(scratch.treeOutput, 0, outputs);
    const votes = (counted.get(vote) ?? 0) + 1;
    if (votes === most) return vote;
    counted.set(vote, votes);
  }
  return label;
}

/** From sums of boosted trees to probabilities. */
function link(sums: Float64Array, count: number, outputs: number, kind: 'identity' | 'logistic' | 'softmax'): void {
  if (kind === 'identity') return;
  for (let from = 0; from < count * outputs; from += outputs) {
    if (kind === 'logistic') {
      for (let at = from; at < from + outputs; at++) sums[at] = 1 / (1 + Math.exp(-sums[at]!));
      continue;
    }
    const greatest = sums[from + argmax(sums, from, outputs)]!;
    let total = 0;
    for (let at = from; at < from + outputs; at++) {
      sums[at] = Math.exp(sums[at]! - greatest);
      total += sums[at]!;
    }
    for (let at = from; at < from + outputs; at++) sums[at]! /= total;
  }
}
