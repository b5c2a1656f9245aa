import { setImmediate as nextTurn } from 'node:timers/promises';
import { drawInTurn, Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { Adam } from './adam.ts';
import type { Space } from './space.ts';
import { decayRate, distance, type LearnedMetric, leastKnown } from './votes.ts';

/** Rows to learn the metric from: references again, with gaps as they will be met. */
export interface Queries {
  readonly count: number;
  /** `count * width`, row-major; NaN is a gap. */
  readonly values: Float64Array;
  readonly labels: Int32Array;
  /** By row: the reference that it comes from, which therefore has no vote for it; -1 for none. */
  readonly origins: Int32Array;
}

export interface LearnOptions {
  readonly steps: number;
  readonly seed: number;
  readonly classPriors: readonly number[];
  readonly classWeights: readonly number[];
  readonly onStep?: (step: number) => void;
  /** Asked after each step: once it is true no further one is made. */
  readonly isTimeUp?: () => boolean;
}

/** How far a parameter moves in a step, at most, on a scale of natural logarithms. */
const learningRate = 0.15;
/** The sum of the weights that learning starts from: rows lie about so far apart. */
const initialSquare = 8;
const initialInverseBandwidth = 4;
const initialMissingnessExponent = 0.5;
const initialSmoothing = Math.exp(-4);
const stepsBetweenPauses = 4;

/**
 * Learns which coordinates separate the classes and how fast votes fade, so that references vote right for queries that come from
 * among them, each left out for itself: stochastic gradient ascent of the likelihood of the truths, some queries at a time.
 *
 * Goldberger, J. et al. (2004). Neighbourhood Components Analysis. NeurIPS.
 * Ye, H.-J. et al. (2024). Revisiting Nearest Neighbor for Tabular Data. arXiv:2407.03257.
 */
export async function learnMetric(space: Space, queries: Queries, options: LearnOptions): Promise<LearnedMetric> {
  const { steps, seed, classPriors, classWeights, onStep, isTimeUp } = options;
  const weightCount = 2 * space.references.width;
  // Logarithms of the weights, the inverse bandwidth and the smoothing, which are positive; then the missingness exponent.
  const parameters = new Float64Array(weightCount + 3);
  parameters.fill(Math.log(initialSquare / weightCount), 0, weightCount);
  parameters.set(
    [Math.log(initialInverseBandwidth), Math.log(initialSmoothing), initialMissingnessExponent],
    weightCount,
  );
  const metric = (): LearnedMetric => ({
    weights: parameters.subarray(0, weightCount).map(Math.exp),
    inverseBandwidth: Math.exp(parameters[weightCount]!),
    smoothing: Math.exp(parameters[weightCount + 1]!),
    missingnessExponent: parameters[weightCount + 2]!,
    classPriors,
    classWeights,
  });
  const adam = new Adam(parameters.length);
  const draw = drawInTurn(queries.count, new Xoshiro128PlusPlus(seed));
  const gradients = new Gradients(space);
  for (let step = 0; step < steps; step++) {
    const now = metric();
    const chosen = Array.from({ length: Math.min(space.queries, queries.count) }, draw);
    adam.descend(parameters, gradients.of(queries, chosen, now), learningRate * scheduled(step / steps));
    onStep?.(step + 1);
    if (isTimeUp?.()) break;
    if (step % stepsBetweenPauses === 0) await nextTurn();
  }
  return metric();
}

/** The share of the learning rate: it grows over the first third (warm-up), then falls as a cosine. */
function scheduled(done: number): number {
  const peak = 0.3;
  return done < peak
    ? 0.04 + 0.48 * (1 - Math.cos((Math.PI * done) / peak))
    : 0.5 * (1 + Math.cos((Math.PI * (done - peak)) / (1 - peak)));
}

/** Gradients of the loss in each parameter: logarithms of the weights, the inverse bandwidth and the smoothing; the missingness exponent. */
export class Gradients {
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

  /** Of the mean loss of some queries: the negative logarithm of the share of votes for their truths. */
  of(queries: Queries, chosen: readonly number[], metric: LearnedMetric): Float64Array {
    const space = this.#space;
    const gradients = new Float64Array(this.#weightCount + 3);
    const byOthers = gradients.subarray(this.#weightCount);
    for (const [at, row] of chosen.entries())
      space.setQuery(at, queries.values, row * space.references.width, metric.weights);
    space.measure(chosen.length);
    for (const [at, row] of chosen.entries())
      this.#addQuery(at, queries.labels[row]!, queries.origins[row]!, metric, byOthers);
    space.addGradients(chosen.length, gradients);
    for (let at = 0; at < this.#weightCount; at++) gradients[at]! *= metric.weights[at]!;
    return gradients.map((gradient) => gradient / chosen.length);
  }

  /** Adds the gradients of the parameters that are no weights, and writes those of the squared distances in their place. */
  #addQuery(query: number, truth: number, origin: number, metric: LearnedMetric, byOthers: Float64Array): void {
    const space = this.#space;
    const squares = space.distancesOf(query);
    const weight = metric.classWeights[truth]!;
    if (weight === 0) return void squares.fill(0);
    const votes = this.#votes;
    const distances = this.#distances;
    const { count, labels } = space.references;
    const { classWeights } = metric;
    const known = space.known[query]!;
    const rate = decayRate(metric, known);
    const base = space.baseOf(query);
    let all = 0;
    let right = 0;
    for (let reference = 0; reference < count; reference++) {
      const far = distance(squares[reference]!, base);
      const vote = reference === origin ? 0 : classWeights[labels[reference]!]! * Math.exp(-rate * far);
      distances[reference] = far;
      votes[reference] = vote;
      all += vote;
      if (labels[reference] === truth) right += vote;
    }
    const [smoothed, smoothedRight] = smoothingVotes(metric, truth);
    all += smoothed;
    right += smoothedRight;
    let byRate = 0;
    for (let reference = 0; reference < count; reference++) {
      const far = distances[reference]!;
      const byVote = weight * (1 / all - (labels[reference] === truth ? 1 / right : 0)) * votes[reference]!;
      byRate -= byVote * rate * far;
      squares[reference] = (-byVote * rate) / (2 * far);
    }
    byOthers[0]! += byRate;
    byOthers[1]! += weight * (smoothed / all - smoothedRight / right);
    byOthers[2]! -= byRate * Math.log(Math.max(leastKnown, known));
  }
}

/** The votes by smoothing: of all classes, and of the true one. */
function smoothingVotes(
  { smoothing, classPriors, classWeights }: LearnedMetric,
  truth: number,
): [all: number, right: number] {
  let all = 0;
  for (const [index, prior] of classPriors.entries()) all += smoothing * prior * classWeights[index]!;
  return [all, smoothing * classPriors[truth]! * classWeights[truth]!];
}
