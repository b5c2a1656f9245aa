import { drawInTurn, Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { type FittedScaling, fitScaling } from '../impute/scaling.ts';
import type { TransformKind } from '../impute/schema.ts';
import type { Table } from '../rows.ts';
import { learnMetric, type Queries } from './learn.ts';
import { type ReferenceSet, Space } from './space.ts';
import { countVotes, type LearnedMetric } from './votes.ts';

/** Training rows that vote for labels, and the metric that weights their votes: the whole of a fitted model. */
export interface FittedNeighbours {
  readonly references: ReferenceSet;
  readonly scaling: FittedScaling;
  readonly metric: LearnedMetric;
}

export interface NeighboursInput {
  /** The training rows without gaps. */
  readonly rows: Table;
  /** Masked copies of the same rows, with gaps as they will be met; at least one. */
  readonly copies: readonly Float64Array[];
  /** Index of the class by row. */
  readonly labels: Int32Array;
  readonly classes: number;
  readonly transform?: TransformKind;
  readonly classWeights?: readonly number[];
  /** Rows that vote, at most; of more, so many are drawn. Default 4,096. */
  readonly references?: number;
  /** Default 170. */
  readonly steps?: number;
  readonly seed?: number;
  readonly onStep?: (step: number, of: number) => void;
  /** Asked after each step: once it is true the metric stays as it is. */
  readonly isTimeUp?: (() => boolean) | undefined;
}

/** Queries of one gradient step. */
const queriesOfStep = 128;
/** Rows that are labelled at once: their distances still fit into a processor's cache. */
const rowsAtOnce = 16;
/** Of a wide table fewer rows vote, so that all their values are no more than this. */
const mostValues = 4_000_000;

/** Picks a reference set and learns the metric. The same input gives the same votes. */
export async function fitNeighbours(input: NeighboursInput): Promise<FittedNeighbours> {
  const { rows, copies, labels, classes, transform = 'log1p', seed = 1, steps = 170, onStep, isTimeUp } = input;
  const { scaling } = fitScaling(rows, transform);
  const most = Math.min(input.references ?? 4_096, Math.ceil(mostValues / rows.width));
  const chosen = drawRows(rows.count, most, seed);
  const references = pickReferenceSet(rows, labels, chosen);
  const space = new Space(references, scaling, queriesOfStep);
  const queries = pickQueries(rows, copies, { labels, chosen, most: steps * queriesOfStep, seed: seed + 1 });
  const metric = await learnMetric(space, queries, {
    steps,
    seed,
    classPriors: priorsOf(references.labels, classes),
    classWeights: input.classWeights ?? new Array<number>(classes).fill(1),
    ...(onStep && { onStep: (step) => onStep(step, steps) }),
    ...(isTimeUp && { isTimeUp }),
  });
  return { references, scaling, metric };
}

/** Numbers of rows, ascending. */
function drawRows(count: number, most: number, seed: number): Int32Array {
  return Int32Array.from({ length: Math.min(count, most) }, drawInTurn(count, new Xoshiro128PlusPlus(seed, 1))).sort();
}

function pickReferenceSet({ width, values }: Table, labels: Int32Array, chosen: Int32Array): ReferenceSet {
  const picked = new Float64Array(chosen.length * width);
  for (const [at, row] of chosen.entries()) picked.set(values.subarray(row * width, (row + 1) * width), at * width);
  return { count: chosen.length, width, values: picked, labels: chosen.map((row) => labels[row]!) };
}

/** Rows drawn from all copies, as many as the steps can use. */
function pickQueries(
  { count, width }: Table,
  copies: readonly Float64Array[],
  { labels, chosen, most, seed }: { labels: Int32Array; chosen: Int32Array; most: number; seed: number },
): Queries {
  const referenceOf = new Int32Array(count).fill(-1);
  for (const [at, row] of chosen.entries()) referenceOf[row] = at;
  const drawn = drawRows(copies.length * count, most, seed);
  const values = new Float64Array(drawn.length * width);
  for (const [at, one] of drawn.entries()) {
    const from = (one % count) * width;
    values.set(copies[Math.floor(one / count)]!.subarray(from, from + width), at * width);
  }
  return {
    count: drawn.length,
    values,
    labels: drawn.map((one) => labels[one % count]!),
    origins: drawn.map((one) => referenceOf[one % count]!),
  };
}

/** Class priors with one row added to each, so that no class is impossible. */
function priorsOf(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(1);
  for (const label of labels) counts[label]! += 1;
  return counts.map((count) => count / (labels.length + classes));
}

/** A fitted reference set, opened for prediction. */
export class Neighbours {
  readonly #space: Space;
  readonly #metric: LearnedMetric;

  constructor({ references, scaling, metric }: FittedNeighbours) {
    this.#space = new Space(references, scaling, rowsAtOnce);
    this.#metric = metric;
  }

  /**
   * The share of the votes that each class gets, `count * classes`, each row summing to one.
   * @param values - `count * width`, row-major, NaN for gaps
   */
  vote(values: Float64Array, count: number): Float64Array {
    const space = this.#space;
    const { width } = space.references;
    const classes = this.#metric.classPriors.length;
    const shares = new Float64Array(count * classes);
    for (let from = 0; from < count; from += rowsAtOnce) {
      const queries = Math.min(rowsAtOnce, count - from);
      for (let at = 0; at < queries; at++) space.setQuery(at, values, (from + at) * width, this.#metric.weights);
      space.measure(queries);
      for (let at = 0; at < queries; at++) {
        const votes = shares.subarray((from + at) * classes, (from + at + 1) * classes);
        countVotes(space, at, this.#metric, votes);
        const all = votes.reduce((sum, each) => sum + each, 0);
        for (let index = 0; index < classes; index++) votes[index]! /= all;
      }
    }
    return shares;
  }
}
