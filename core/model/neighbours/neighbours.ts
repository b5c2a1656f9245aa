import { drawInTurn, Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { type FittedScaling, fitScaling } from '../impute/scaling.ts';
import type { TransformKind } from '../impute/schema.ts';
import type { Table } from '../rows.ts';
import { learnLikeness, type Questions } from './learn.ts';
import { type References, Space } from './space.ts';
import { countVotes, type Likeness } from './votes.ts';

/** Training rows that vote for labels, and how: all that there is to a fitted model. */
export interface FittedNeighbours {
  readonly references: References;
  readonly scaling: FittedScaling;
  readonly likeness: Likeness;
}

export interface NeighboursInput {
  /** The training rows without gaps. */
  readonly rows: Table;
  /** Versions of the same rows with gaps as they will be met; at least one. */
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
}

/** Questions that a step of learning looks at. */
const questionsOfStep = 128;
/** Rows that are labelled at once: their distances still fit into a processor's cache. */
const rowsAtOnce = 16;
/** Of a wide table fewer rows vote, so that all their values are no more than this. */
const mostValues = 4_000_000;

/** Learns how training rows are to vote. The same input gives the same votes. */
export async function fitNeighbours(input: NeighboursInput): Promise<FittedNeighbours> {
  const { rows, copies, labels, classes, transform = 'log1p', seed = 1, steps = 170, onStep } = input;
  const { scaling } = fitScaling(rows, transform);
  const most = Math.min(input.references ?? 4_096, Math.ceil(mostValues / rows.width));
  const chosen = drawRows(rows.count, most, seed);
  const references = pickReferences(rows, labels, chosen);
  const space = new Space(references, scaling, questionsOfStep);
  const questions = pickQuestions(rows, copies, { labels, chosen, most: steps * questionsOfStep, seed: seed + 1 });
  const likeness = await learnLikeness(space, questions, {
    steps,
    seed,
    shares: sharesOf(references.labels, classes),
    classWeights: input.classWeights ?? new Array<number>(classes).fill(1),
    ...(onStep && { onStep: (step) => onStep(step, steps) }),
  });
  return { references, scaling, likeness };
}

/** Numbers of rows, ascending. */
function drawRows(count: number, most: number, seed: number): Int32Array {
  return Int32Array.from({ length: Math.min(count, most) }, drawInTurn(count, new Xoshiro128PlusPlus(seed, 1))).sort();
}

function pickReferences({ width, values }: Table, labels: Int32Array, chosen: Int32Array): References {
  const picked = new Float64Array(chosen.length * width);
  for (const [at, row] of chosen.entries()) picked.set(values.subarray(row * width, (row + 1) * width), at * width);
  return { count: chosen.length, width, values: picked, labels: chosen.map((row) => labels[row]!) };
}

/** So many rows of all copies as can be asked, drawn. */
function pickQuestions(
  { count, width }: Table,
  copies: readonly Float64Array[],
  { labels, chosen, most, seed }: { labels: Int32Array; chosen: Int32Array; most: number; seed: number },
): Questions {
  const referenceOf = new Int32Array(count).fill(-1);
  for (const [at, row] of chosen.entries()) referenceOf[row] = at;
  const asked = drawRows(copies.length * count, most, seed);
  const values = new Float64Array(asked.length * width);
  for (const [at, one] of asked.entries()) {
    const from = (one % count) * width;
    values.set(copies[Math.floor(one / count)]!.subarray(from, from + width), at * width);
  }
  return {
    count: asked.length,
    values,
    labels: asked.map((one) => labels[one % count]!),
    origins: asked.map((one) => referenceOf[one % count]!),
  };
}

/** How common classes are; one that has no row is not impossible. */
function sharesOf(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(1);
  for (const label of labels) counts[label]! += 1;
  return counts.map((count) => count / (labels.length + classes));
}

/** Neighbours at work. */
export class Neighbours {
  readonly #space: Space;
  readonly #likeness: Likeness;

  constructor({ references, scaling, likeness }: FittedNeighbours) {
    this.#space = new Space(references, scaling, rowsAtOnce);
    this.#likeness = likeness;
  }

  /**
   * The share of the votes that each class gets, `count * classes`, each row summing to one.
   * @param values - `count * width`, row-major, NaN for gaps
   */
  vote(values: Float64Array, count: number): Float64Array {
    const space = this.#space;
    const { width } = space.references;
    const classes = this.#likeness.shares.length;
    const shares = new Float64Array(count * classes);
    for (let from = 0; from < count; from += rowsAtOnce) {
      const asked = Math.min(rowsAtOnce, count - from);
      for (let at = 0; at < asked; at++) space.ask(at, values, (from + at) * width, this.#likeness.weights);
      space.measure(asked);
      for (let at = 0; at < asked; at++) {
        const votes = shares.subarray((from + at) * classes, (from + at + 1) * classes);
        countVotes(space, at, this.#likeness, votes);
        const all = votes.reduce((sum, each) => sum + each, 0);
        for (let index = 0; index < classes; index++) votes[index]! /= all;
      }
    }
    return shares;
  }
}
