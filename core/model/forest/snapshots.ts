import { argmax } from '../../numeric/argmax.ts';
import { elementAt } from '../../numeric/element.ts';
import { type BoostingInput, trainBoosted } from './boost.ts';
import type { Tree } from './forest.ts';
import { type CompiledForest, compile } from './layout.ts';
import { type ForestOutput, predict } from './predict.ts';

/** What a restart leaves of the sum of all trees before it. */
const restartKeeps = 0.5;
const defaultRate = 0.1;

/** Boosted models out of one run. A model is the trees of its cycle, added to a part of the model before it; the first has none before it. */
export interface Snapshots {
  /** Number of columns of a row. */
  readonly width: number;
  /** By class: where each sum begins. */
  readonly base: Float64Array;
  /** The share of its sum that a model hands on to the next one. */
  readonly keep: number;
  /** By cycle, and so by model. None is empty. */
  readonly cycles: readonly (readonly Tree[])[];
}

/**
 * A snapshot ensemble of boosted trees: one run of as many rounds as `options.trees`, in `snapshots` cycles. Within a cycle the learning rate
 * falls by a cosine from twice `options.learningRate` to nothing, so that on average it is that of a single model; what has been learnt
 * at the end of a cycle is one model of the ensemble.
 *
 * Huang, G. et al. (2017). Snapshot Ensembles: Train 1, Get M for Free. ICLR: `rate(t) = r / 2 * (cos(pi * t / T) + 1)` for step `t` of a cycle
 * of `T`. There a high rate drives the weights of a network out of the minimum where the cycle before had led them. A sum of trees keeps
 * what was ever added to it, and the models would be the beginnings of one another; so here a restart takes half of the sum back, and the
 * next cycle fits what is then missing anew, by trees on other rows and columns.
 *
 * @throws GaplineError `data-invalid` as {@link trainBoosted}
 */
export async function trainSnapshots(input: BoostingInput, snapshots: number): Promise<Snapshots> {
  const { trees: rounds = 100, learningRate = defaultRate } = input.options ?? {};
  const cycleOf = (round: number) => Math.floor((round * snapshots) / rounds);
  const begins = Array.from({ length: snapshots + 1 }, (_, cycle) => Math.ceil((cycle * rounds) / snapshots));
  const { trees, boosting, width, outputs } = await trainBoosted({
    ...input,
    schedule(round) {
      const from = elementAt(begins, cycleOf(round));
      const length = elementAt(begins, cycleOf(round) + 1) - from;
      const rate = learningRate * (Math.cos((Math.PI * (round - from)) / length) + 1);
      return { learningRate: rate, ...(round === from && round > 0 && { keep: restartKeeps }) };
    },
  });
  const aRound = outputs === 2 ? 1 : outputs;
  const cycles = begins
    .slice(0, -1)
    .map((from, cycle) => trees.slice(from * aRound, elementAt(begins, cycle + 1) * aRound));
  return {
    width,
    base: boosting?.base ?? new Float64Array(outputs),
    keep: restartKeeps,
    // Where time was up the last ones hold nothing.
    cycles: cycles.filter((each) => each.length > 0),
  };
}

export interface EnsembleOutput extends ForestOutput {
  /** By row, how far the models part: see {@link averageMembers}. */
  readonly spread: Float64Array;
}

/** Makes an ensemble ready to predict: each tree is walked once, whatever the number of models. */
export function compileSnapshots({
  width,
  base,
  keep,
  cycles,
}: Snapshots): (values: Float64Array, count: number) => EnsembleOutput {
  const outputs = base.length;
  const boosting = { base: new Float64Array(outputs), link: 'identity' } as const;
  const compiled = cycles.map((trees) => compile({ task: 'classification', width, outputs, trees, boosting }));
  return (values, count) => {
    const members = membersOf(compiled, { base, keep }, values, count);
    return averageMembers(members, count, outputs);
  };
}

/** The probabilities of each model, `count * classes`. */
function membersOf(
  compiled: readonly CompiledForest[],
  { base, keep }: Pick<Snapshots, 'base' | 'keep'>,
  values: Float64Array,
  count: number,
): Float64Array[] {
  const outputs = base.length;
  const sums = new Float64Array(count * outputs);
  const labels = new Int32Array(count);
  return compiled.map((cycle) => {
    const probabilities = new Float64Array(count * outputs);
    predict(cycle, values, count, { labels, probabilities });
    for (let at = 0; at < sums.length; at++) sums[at] = keep * elementAt(sums, at) + elementAt(probabilities, at);
    for (let row = 0; row < count; row++) softmax(sums, base, row * outputs, probabilities);
    return probabilities;
  });
}

function softmax(sums: Float64Array, base: Float64Array, from: number, into: Float64Array): void {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let output = 0; output < base.length; output++)
    greatest = Math.max(greatest, sums[from + output]! + base[output]!);
  let whole = 0;
  for (let output = 0; output < base.length; output++) {
    into[from + output] = Math.exp(sums[from + output]! + base[output]! - greatest);
    whole += into[from + output]!;
  }
  for (let output = 0; output < base.length; output++) into[from + output]! /= whole;
}

/**
 * The mean of the models' probabilities. `spread` is how far the models part: the mean over them of the total variation distance between
 * a model's probabilities and that mean, `1 / M * sum over models of 1/2 * sum over classes of |p - mean|`: 0 where all predict the same,
 * always below 1 - 1 / M.
 */
export function averageMembers(members: readonly Float64Array[], count: number, outputs: number): EnsembleOutput {
  const labels = new Int32Array(count);
  const spread = new Float64Array(count);
  const probabilities = new Float64Array(count * outputs);
  for (const member of members)
    for (let at = 0; at < probabilities.length; at++) probabilities[at]! += member[at]! / members.length;
  for (let row = 0; row < count; row++) {
    let distance = 0;
    for (const member of members)
      for (let at = row * outputs; at < (row + 1) * outputs; at++)
        distance += Math.abs(member[at]! - probabilities[at]!);
    spread[row] = distance / 2 / members.length;
    labels[row] = argmax(probabilities, row * outputs, outputs);
  }
  return { labels, probabilities, spread };
}
