import type { GapPattern, GapPatternKind } from './pattern.ts';

export const random: GapPatternKind = { about: 'each value by itself', create: () => randomGaps() };

/** Missing completely at random (MCAR): each value by itself, with probability `rate`. */
export function randomGaps(): GapPattern {
  return {
    memory: 0,
    open: () => ({
      mask(values, _n, rate, random) {
        for (let field = 0; field < values.length; field++) if (random.next() < rate) values[field] = Number.NaN;
      },
    }),
  };
}
