import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { fitScaling } from '../impute/scaling.ts';
import { Space } from './space.ts';
import { plainLoss, withGaps } from './testing.ts';
import { countVotes } from './votes.ts';

const cases = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  width: fc.integer({ min: 1, max: 5 }),
  inverseBandwidth: fc.double({ min: 0.1, max: 20, noNaN: true }),
  missingnessExponent: fc.double({ min: -1, max: 1, noNaN: true }),
  smoothing: fc.double({ min: 1e-3, max: 2, noNaN: true }),
  gaps: fc.constantFrom(0, 0.5, 1),
  seed: fc.nat(),
});

it('votes are counted as the loss that they were learnt with weighs them', () => {
  fc.assert(
    fc.property(cases, ({ count, width, gaps, seed, ...how }) => {
      const random = new Xoshiro128PlusPlus(seed);
      const values = Float64Array.from({ length: count * width }, () => random.fraction() * 9);
      const references = { count, width, values, labels: Int32Array.from({ length: count }, () => random.below(3)) };
      const { scaling } = fitScaling(references, 'quantile');
      const weights = Float64Array.from({ length: 2 * width }, () => random.fraction());
      const metric = { ...how, weights, classPriors: [0.5, 0.3, 0.2], classWeights: [1, 2, 0.5] };
      const row = withGaps(values.slice(0, width), gaps, random);

      const space = new Space(references, scaling, 1);
      space.setQuery(0, row, 0, weights);
      space.measure(1);
      const votes = new Float64Array(3).fill(Number.NaN);
      countVotes(space, 0, metric, votes);
      const all = votes.reduce((sum, each) => sum + each, 0);
      for (const [label, vote] of votes.entries()) {
        const query = { count: 1, values: row, labels: Int32Array.of(label), origins: Int32Array.of(-1) };
        const loss = plainLoss({ references, scaling }, query, [0], metric) / metric.classWeights[label]!;
        expect(vote / all).toBeCloseTo(Math.exp(-loss), 3);
      }
    }),
    { numRuns: 100 },
  );
});
