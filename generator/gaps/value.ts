import type { GapPattern, GapPatternKind } from './pattern.ts';

export const value: GapPatternKind = {
  about: 'large ones first',
  create: ({ source }) => valueGaps(source.fields.map((_, field) => source.distribution(field))),
};

/** How steeply the risk grows with a value's rank: as its cube, so that the largest goes missing four times as often as the average. */
const power = 3;

/**
 * The risk summed over ranks from 0 to `rank` (0 to 1): the integral of min(1, c x^3), with c such that the whole is `rate`.
 */
export function riskUpTo(rank: number, rate: number): number {
  if (rate <= 1 / (power + 1)) return rate * rank ** (power + 1);
  // From here on every value is missing.
  const certain = ((1 - rate) * (power + 1)) / power;
  if (rank <= certain) return rank === 0 ? 0 : (rank * (rank / certain) ** power) / (power + 1);
  return rank - certain + certain / (power + 1);
}

/**
 * Missing not at random (MNAR): large values go missing first, as from a sensor that saturates. The risk of a value depends on its
 * rank among the source's values of that field; equal values share the mean risk of their ranks, so that the rate holds however
 * many are equal.
 * @param sorted - by field: the source's values, ascending, without gaps
 */
export function valueGaps(sorted: readonly Float64Array[]): GapPattern {
  return {
    memory: 0,
    open: () => ({
      mask(values, _n, rate, random) {
        // No value's risk is higher, so most draws need no rank.
        const highest = (power + 1) * rate;
        for (let field = 0; field < values.length; field++) {
          const draw = random.next();
          const value = values[field]!;
          if (draw < highest && !Number.isNaN(value) && draw < riskOf(sorted[field]!, value, rate))
            values[field] = Number.NaN;
        }
      },
    }),
  };
}

function riskOf(sorted: Float64Array, value: number, rate: number): number {
  const count = sorted.length;
  if (count === 0) return rate;
  const below = countBelow(sorted, value, false);
  // A value that the source never had is taken for the next one above it.
  const upTo = Math.min(count, Math.max(below + 1, countBelow(sorted, value, true)));
  const from = Math.min(below, count - 1);
  return ((riskUpTo(upTo / count, rate) - riskUpTo(from / count, rate)) * count) / (upTo - from);
}

/** How many are smaller than the value, or not larger. */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (orEqual && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
