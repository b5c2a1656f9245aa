import type { Space } from './space.ts';

/** What is learnt of a space: how likeness is measured, and what it is worth. */
export interface Likeness {
  /** `2 * width`: what the squared difference of a coordinate counts; see {@link Space}. */
  readonly weights: Float64Array;
  /** How fast votes fade with the distance. */
  readonly sharpness: number;
  /** A distance over a share s of the fields counts as s to the power of minus this. */
  readonly stretch: number;
  /** The votes that all classes together get for nothing, by how common they are. */
  readonly doubt: number;
  /** By class: its share of the references, above 0. */
  readonly shares: readonly number[];
  /** By class: what a vote for it counts. */
  readonly classWeights: readonly number[];
}

/** Keeps the root of a distance smooth where it is next to none. */
const leastSquare = 1e-3;
/** A row of which nothing is known counts as if so much were. */
export const leastKnown = 0.02;

/** By how much distances of this question count. */
export function steepness({ sharpness, stretch }: Likeness, known: number): number {
  return sharpness * Math.max(leastKnown, known) ** -stretch;
}

/** The distance, of what {@link Space.measure} gives and of {@link Space.baseOf}. */
export function distance(square: number, base: number): number {
  return Math.sqrt(Math.max(0, base + square) + leastSquare);
}

/** Sums up the votes of references by class: exp(-steepness * distance) each, and a few for nothing. */
export function countVotes(space: Space, question: number, likeness: Likeness, into: Float64Array): void {
  const { count, labels } = space.references;
  const { doubt, shares, classWeights } = likeness;
  const squares = space.distancesOf(question);
  const base = space.baseOf(question);
  const steep = steepness(likeness, space.known[question]!);
  into.fill(0);
  for (let reference = 0; reference < count; reference++)
    into[labels[reference]!]! += Math.exp(-steep * distance(squares[reference]!, base));
  for (let index = 0; index < into.length; index++)
    into[index] = (into[index]! + doubt * shares[index]!) * classWeights[index]!;
}
