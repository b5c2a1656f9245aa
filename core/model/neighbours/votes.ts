import type { Space } from './space.ts';

/** What is learnt of a space: how distances are measured, and how the votes of references fade with them. */
export interface LearnedMetric {
  /** `2 * width`: the weight of the squared difference of a coordinate; see {@link Space}. */
  readonly weights: Float64Array;
  /** How fast votes fade with the distance: a vote is `exp(-inverseBandwidth * distance)`. */
  readonly inverseBandwidth: number;
  /** A distance over a share s of the fields is multiplied by s to the power of minus this. */
  readonly missingnessExponent: number;
  /** Additive smoothing: votes that are given to all classes together, in proportion to their priors. */
  readonly smoothing: number;
  /** By class: its share of the references, above 0. */
  readonly classPriors: readonly number[];
  /** By class: the weight of a vote for it. */
  readonly classWeights: readonly number[];
}

/** Keeps the gradient of a distance finite where the distance is close to zero. */
const leastSquare = 1e-3;
/** The least share of measured fields that the missingness exponent is applied to. */
export const leastKnown = 0.02;

/** How fast the votes for a query fade, of whose fields this share is known. */
export function decayRate({ inverseBandwidth, missingnessExponent }: LearnedMetric, known: number): number {
  return inverseBandwidth * Math.max(leastKnown, known) ** -missingnessExponent;
}

/** The distance, from what {@link Space.measure} and {@link Space.baseOf} give. */
export function distance(square: number, base: number): number {
  return Math.sqrt(Math.max(0, base + square) + leastSquare);
}

/** Sums up the votes of references by class, `exp(-decayRate * distance)` each, and adds the smoothing. */
export function countVotes(space: Space, query: number, metric: LearnedMetric, into: Float64Array): void {
  const { count, labels } = space.references;
  const { smoothing, classPriors, classWeights } = metric;
  const squares = space.distancesOf(query);
  const base = space.baseOf(query);
  const rate = decayRate(metric, space.known[query]!);
  into.fill(0);
  for (let reference = 0; reference < count; reference++)
    into[labels[reference]!]! += Math.exp(-rate * distance(squares[reference]!, base));
  for (let index = 0; index < into.length; index++)
    into[index] = (into[index]! + smoothing * classPriors[index]!) * classWeights[index]!;
}
