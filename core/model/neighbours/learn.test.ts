import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { fitScaling } from '../impute/scaling.ts';
import { Gradients, learnMetric, type Queries } from './learn.ts';
import { Space } from './space.ts';
import { plainLoss, separableRows, withGaps } from './testing.ts';
import type { LearnedMetric } from './votes.ts';

const cases = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  width: fc.integer({ min: 1, max: 5 }),
  classes: fc.integer({ min: 2, max: 4 }),
  gaps: fc.constantFrom(0, 0.4, 1),
  balance: fc.constantFrom([1, 1, 1, 1], [0.5, 3, 1, 0.2], [0, 1, 2, 1]),
  seed: fc.nat(),
});

interface Case {
  readonly count: number;
  readonly width: number;
  readonly classes: number;
  readonly gaps: number;
  readonly balance: readonly number[];
  readonly seed: number;
}

function sampleCase({ count, width, classes, gaps, balance, seed }: Case) {
  const random = new Xoshiro128PlusPlus(seed);
  const values = Float64Array.from({ length: count * width }, () => random.below(3) * random.fraction());
  const labels = Int32Array.from({ length: count }, () => random.below(classes));
  const { scaling } = fitScaling({ count, width, values }, 'none');
  const references = { count, width, values, labels };
  // Each row once as it comes from a reference, and once as a stranger.
  const queries: Queries = {
    count: 2 * count,
    values: withGaps(Float64Array.from([...values, ...values]), gaps, random),
    labels: Int32Array.from([...labels, ...labels]),
    origins: Int32Array.from({ length: 2 * count }, (_, row) => (row < count ? row : -1)),
  };
  const metricAt = (parameters: Float64Array): LearnedMetric => ({
    weights: parameters.slice(0, 2 * width).map(Math.exp),
    inverseBandwidth: Math.exp(parameters[2 * width]!),
    smoothing: Math.exp(parameters[2 * width + 1]!),
    missingnessExponent: parameters[2 * width + 2]!,
    classPriors: new Array<number>(classes).fill(1 / classes),
    classWeights: balance.slice(0, classes),
  });
  const parameters = Float64Array.from({ length: 2 * width + 3 }, () => random.fraction() * 2 - 1);
  const chosen = Array.from({ length: Math.min(2 * count, 7) }, () => random.below(2 * count));
  return { references, scaling, queries, metricAt, parameters, chosen };
}

describe('learning metric', () => {
  it('knows how the loss changes with every parameter', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { references, scaling, queries, metricAt, parameters, chosen } = sampleCase(each);
        const gradients = new Gradients(new Space(references, scaling, 7));
        const found = gradients.of(queries, chosen, metricAt(parameters));
        expect(found).toHaveLength(parameters.length);
        const lossAt = (at: number, by: number) => {
          const moved = parameters.slice();
          moved[at]! += by;
          return plainLoss({ references, scaling }, queries, chosen, metricAt(moved));
        };
        for (const at of parameters.keys())
          expect(found[at]).toBeCloseTo((lossAt(at, 1e-4) - lossAt(at, -1e-4)) / 2e-4, 3);
        expect(gradients.of(queries, chosen, metricAt(parameters))).toEqual(found);
      }),
      { numRuns: 150 },
    );
  });

  it('lets no reference vote for a query that comes from it', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { references, scaling, queries, metricAt, parameters } = sampleCase(each);
        const slopesWith = (values: Float64Array) =>
          new Gradients(new Space({ ...references, values }, scaling, 1)).of(queries, [0], metricAt(parameters));
        const moved = references.values.slice().fill(1e9, 0, references.width);
        expect(slopesWith(moved)).toEqual(slopesWith(references.values));
      }),
      { numRuns: 50 },
    );
  });

  const informative = 2;
  const { rows, labels, random } = separableRows({ informative });
  const { scaling } = fitScaling(rows, 'log1p');
  const space = () => new Space({ ...rows, labels }, scaling, 32);
  const queries: Queries = {
    count: rows.count,
    values: withGaps(rows.values, 0.1, random),
    labels,
    origins: Int32Array.from(labels.keys()),
  };
  const learn = (steps: number, seed = 1, onStep?: (step: number) => void) =>
    learnMetric(space(), queries, {
      steps,
      seed,
      classPriors: [0.5, 0.5],
      classWeights: [1, 1],
      ...(onStep && { onStep }),
    });

  it('lowers the loss, and finds the column that separates the classes among noise', async () => {
    const [before, after] = await Promise.all([learn(0), learn(80)]);
    const parts = { references: { ...rows, labels }, scaling };
    const all = [...labels.keys()];
    const lossOf = (metric: LearnedMetric) => plainLoss(parts, queries, all, metric);
    expect(lossOf(after)).toBeLessThan(lossOf(before) / 2);
    const { width } = rows;
    const byField = Array.from({ length: width }, (_, at) => after.weights[at]! + after.weights[width + at]!);
    for (const [field, weight] of byField.entries())
      if (field !== informative) expect(weight).toBeLessThan(byField[informative]! / 5);
  });

  it('ends after the step in which time is up', async () => {
    const reported: number[] = [];
    const onStep = (step: number) => void reported.push(step);
    const how = { steps: 9, seed: 4, classPriors: [0.5, 0.5], classWeights: [1, 1], onStep };
    await learnMetric(space(), queries, { ...how, isTimeUp: () => reported.length === 3 });
    expect(reported).toEqual([1, 2, 3]);
  });

  it('learns the same from the same seed, and reports each step', async () => {
    const reported: number[] = [];
    const once = await learn(9, 4, (step) => reported.push(step));
    expect(reported).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await learn(9, 4)).toEqual(once);
    expect(await learn(9, 5)).not.toEqual(once);
  });
});
