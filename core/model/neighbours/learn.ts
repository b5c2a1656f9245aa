import { setImmediate as nextTurn } from 'node:timers/promises';
import { drawInTurn, Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { Adam } from './adam.ts';
import type { Space } from './space.ts';
import { distance, type Likeness, leastKnown, steepness } from './votes.ts';

/** Rows to learn likeness from: references again, with gaps as they will be met. */
export interface Questions {
  readonly count: number;
  /** `count * width`, row-major; NaN is a gap. */
  readonly values: Float64Array;
  readonly labels: Int32Array;
  /** By row: which reference it comes from, and may therefore not ask; -1 for none. */
  readonly origins: Int32Array;
}

export interface LearnOptions {
  readonly steps: number;
  readonly seed: number;
  readonly shares: readonly number[];
  readonly classWeights: readonly number[];
  readonly onStep?: (step: number) => void;
}

/** How far a parameter moves in a step, at most, on a scale of natural logarithms. */
const learningRate = 0.15;
/** With the weights that learning begins with, rows lie so far apart. */
const squareAtFirst = 8;
const sharpnessAtFirst = 4;
const stretchAtFirst = 0.5;
const doubtAtFirst = Math.exp(-4);
const pausesEvery = 4;

/**
 * Learns which coordinates tell classes apart and how fast votes fade, so that references vote right for questions that come from
 * among them, each asking all but itself: the likelihood of the truths climbs by its slope over some questions at a time.
 *
 * Goldberger, J. et al. (2004). Neighbourhood Components Analysis. NeurIPS.
 * Ye, H.-J. et al. (2024). Revisiting Nearest Neighbor for Tabular Data. arXiv:2407.03257.
 */
export async function learnLikeness(space: Space, questions: Questions, options: LearnOptions): Promise<Likeness> {
  const { steps, seed, shares, classWeights, onStep } = options;
  const weightCount = 2 * space.references.width;
  // Logarithms of the weights, of sharpness and of doubt; and stretch. All positive, but for the last.
  const parameters = new Float64Array(weightCount + 3);
  parameters.fill(Math.log(squareAtFirst / weightCount), 0, weightCount);
  parameters.set([Math.log(sharpnessAtFirst), Math.log(doubtAtFirst), stretchAtFirst], weightCount);
  const likeness = (): Likeness => ({
    weights: parameters.subarray(0, weightCount).map(Math.exp),
    sharpness: Math.exp(parameters[weightCount]!),
    doubt: Math.exp(parameters[weightCount + 1]!),
    stretch: parameters[weightCount + 2]!,
    shares,
    classWeights,
  });
  const adam = new Adam(parameters.length);
  const draw = drawInTurn(questions.count, new Xoshiro128PlusPlus(seed));
  const slopes = new Slopes(space);
  for (let step = 0; step < steps; step++) {
    const now = likeness();
    const chosen = Array.from({ length: Math.min(space.questions, questions.count) }, draw);
    adam.descend(parameters, slopes.of(questions, chosen, now), learningRate * pace(step / steps));
    onStep?.(step + 1);
    if (step % pausesEvery === 0) await nextTurn();
  }
  return likeness();
}

/** Slow at first, fastest at a third of the way, ever slower to the end. */
function pace(done: number): number {
  const peak = 0.3;
  return done < peak
    ? 0.04 + 0.48 * (1 - Math.cos((Math.PI * done) / peak))
    : 0.5 * (1 + Math.cos((Math.PI * (done - peak)) / (1 - peak)));
}

/** How the loss changes with each parameter: the logarithms of the weights, of sharpness and of doubt; and stretch. */
export class Slopes {
  readonly #space: Space;
  readonly #weightCount: number;
  readonly #votes: Float64Array;
  readonly #distances: Float64Array;

  constructor(space: Space) {
    this.#space = space;
    this.#weightCount = 2 * space.references.width;
    this.#votes = new Float64Array(space.references.count);
    this.#distances = new Float64Array(space.references.count);
  }

  /** Of the mean loss of some questions: minus the logarithm of the share of votes for their truths. */
  of(questions: Questions, chosen: readonly number[], likeness: Likeness): Float64Array {
    const space = this.#space;
    const slopes = new Float64Array(this.#weightCount + 3);
    const byOthers = slopes.subarray(this.#weightCount);
    for (const [at, row] of chosen.entries())
      space.ask(at, questions.values, row * space.references.width, likeness.weights);
    space.measure(chosen.length);
    for (const [at, row] of chosen.entries())
      this.#addQuestion(at, questions.labels[row]!, questions.origins[row]!, likeness, byOthers);
    space.addSlopes(chosen.length, slopes);
    for (let at = 0; at < this.#weightCount; at++) slopes[at]! *= likeness.weights[at]!;
    return slopes.map((slope) => slope / chosen.length);
  }

  /** Adds the slopes of sharpness, doubt and stretch, and writes those of the squared distances in their place. */
  #addQuestion(question: number, truth: number, origin: number, likeness: Likeness, byOthers: Float64Array): void {
    const space = this.#space;
    const squares = space.distancesOf(question);
    const importance = likeness.classWeights[truth]!;
    if (importance === 0) return void squares.fill(0);
    const votes = this.#votes;
    const distances = this.#distances;
    const { count, labels } = space.references;
    const { classWeights } = likeness;
    const known = space.known[question]!;
    const steep = steepness(likeness, known);
    const base = space.baseOf(question);
    let all = 0;
    let right = 0;
    for (let reference = 0; reference < count; reference++) {
      const away = distance(squares[reference]!, base);
      const vote = reference === origin ? 0 : classWeights[labels[reference]!]! * Math.exp(-steep * away);
      distances[reference] = away;
      votes[reference] = vote;
      all += vote;
      if (labels[reference] === truth) right += vote;
    }
    const [free, freeRight] = freeVotes(likeness, truth);
    all += free;
    right += freeRight;
    let bySteepness = 0;
    for (let reference = 0; reference < count; reference++) {
      const away = distances[reference]!;
      const byVote = importance * (1 / all - (labels[reference] === truth ? 1 / right : 0)) * votes[reference]!;
      bySteepness -= byVote * steep * away;
      squares[reference] = (-byVote * steep) / (2 * away);
    }
    byOthers[0]! += bySteepness;
    byOthers[1]! += importance * (free / all - freeRight / right);
    byOthers[2]! -= bySteepness * Math.log(Math.max(leastKnown, known));
  }
}

/** What classes get for nothing: all of them, and the true one. */
function freeVotes({ doubt, shares, classWeights }: Likeness, truth: number): [all: number, right: number] {
  let all = 0;
  for (const [index, share] of shares.entries()) all += doubt * share * classWeights[index]!;
  return [all, doubt * shares[truth]! * classWeights[truth]!];
}
