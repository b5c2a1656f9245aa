import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { type FittedScaling, Scaling } from '../impute/scaling.ts';
import type { Queries } from './learn.ts';
import type { ReferenceSet } from './space.ts';
import type { LearnedMetric } from './votes.ts';

/** What squared differences of each coordinate come to between a row and a reference, as the definition says: `2 * width`. */
export function plainSquares(references: ReferenceSet, fitted: FittedScaling, reference: number, row: Float64Array) {
  const { width, values } = references;
  const scaling = new Scaling(fitted);
  const place = (value: number, field: number) => Math.min(4, Math.max(-4, scaling.there(value, field)));
  const isAbove = (value: number, field: number) => {
    const transform = fitted.transforms[field]!;
    return value > ('min' in transform ? transform.min : transform.from[0]!) ? 1 : 0;
  };
  const squares = new Float64Array(2 * width);
  for (const [field, value] of row.entries()) {
    if (Number.isNaN(value)) continue;
    const other = values[reference * width + field]!;
    squares[field] = (place(value, field) - place(other, field)) ** 2;
    squares[width + field] = (isAbove(value, field) - isAbove(other, field)) ** 2;
  }
  return squares;
}

/** Each value is missing with that chance. */
export const withGaps = (values: Float64Array, share: number, random: Xoshiro128PlusPlus): Float64Array =>
  values.map((value) => (random.fraction() < share ? Number.NaN : value));

/** Rows of `classes` classes, which only the column `informative` separates; the others are noise. */
export function separableRows({ count = 120, width = 4, classes = 2, informative = 2, seed = 1 } = {}) {
  const random = new Xoshiro128PlusPlus(seed);
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const values = Float64Array.from({ length: count * width }, (_, at) =>
    at % width === informative ? labels[Math.floor(at / width)]! * 3 + random.fraction() : random.fraction() * 10,
  );
  return { rows: { count, width, values }, labels, classes, random };
}

/** The mean loss of queries, as the definition says: a double at a time, no tricks. */
export function plainLoss(space: SpaceParts, queries: Queries, chosen: readonly number[], metric: LearnedMetric) {
  const { references, scaling } = space;
  const { width, labels } = references;
  const { weights, inverseBandwidth, missingnessExponent, smoothing, classPriors, classWeights } = metric;
  const losses = chosen.map((query) => {
    const row = queries.values.subarray(query * width, (query + 1) * width);
    const known = row.filter((value) => !Number.isNaN(value)).length / width;
    const votes = classPriors.map((prior) => smoothing * prior);
    for (const [reference, label] of labels.entries()) {
      if (reference === queries.origins[query]) continue;
      const square = plainSquares(references, scaling, reference, row).reduce(
        (sum, each, at) => sum + weights[at]! * each,
        0,
      );
      votes[label]! += Math.exp(
        -inverseBandwidth * Math.max(0.02, known) ** -missingnessExponent * Math.sqrt(square + 1e-3),
      );
    }
    const weighted = votes.map((each, index) => each * classWeights[index]!);
    const truth = queries.labels[query]!;
    const all = weighted.reduce((sum, each) => sum + each, 0);
    return classWeights[truth] === 0 ? 0 : -classWeights[truth]! * Math.log(weighted[truth]! / all);
  });
  return losses.reduce((sum, each) => sum + each, 0) / losses.length;
}

interface SpaceParts {
  readonly references: ReferenceSet;
  readonly scaling: FittedScaling;
}
