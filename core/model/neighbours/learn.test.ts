import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { fitScaling } from '../impute/scaling.ts';
import { learnLikeness, type Questions, Slopes } from './learn.ts';
import { Space } from './space.ts';
import { plainLoss, tellingRows, withGaps } from './testing.ts';
import type { Likeness } from './votes.ts';

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
  const questions: Questions = {
    count: 2 * count,
    values: withGaps(Float64Array.from([...values, ...values]), gaps, random),
    labels: Int32Array.from([...labels, ...labels]),
    origins: Int32Array.from({ length: 2 * count }, (_, row) => (row < count ? row : -1)),
  };
  const likenessAt = (parameters: Float64Array): Likeness => ({
    weights: parameters.slice(0, 2 * width).map(Math.exp),
    sharpness: Math.exp(parameters[2 * width]!),
    doubt: Math.exp(parameters[2 * width + 1]!),
    stretch: parameters[2 * width + 2]!,
    shares: new Array<number>(classes).fill(1 / classes),
    classWeights: balance.slice(0, classes),
  });
  const parameters = Float64Array.from({ length: 2 * width + 3 }, () => random.fraction() * 2 - 1);
  const chosen = Array.from({ length: Math.min(2 * count, 7) }, () => random.below(2 * count));
  return { references, scaling, questions, likenessAt, parameters, chosen };
}

describe('learning likeness', () => {
  it('knows how the loss changes with every parameter', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { references, scaling, questions, likenessAt, parameters, chosen } = sampleCase(each);
        const slopes = new Slopes(new Space(references, scaling, 7));
        const found = slopes.of(questions, chosen, likenessAt(parameters));
        expect(found).toHaveLength(parameters.length);
        const lossAt = (at: number, by: number) => {
          const moved = parameters.slice();
          moved[at]! += by;
          return plainLoss({ references, scaling }, questions, chosen, likenessAt(moved));
        };
        for (const at of parameters.keys())
          expect(found[at]).toBeCloseTo((lossAt(at, 1e-4) - lossAt(at, -1e-4)) / 2e-4, 3);
        expect(slopes.of(questions, chosen, likenessAt(parameters))).toEqual(found);
      }),
      { numRuns: 150 },
    );
  });

  it('lets no question ask the reference that it comes from', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { references, scaling, questions, likenessAt, parameters } = sampleCase(each);
        const slopesWith = (values: Float64Array) =>
          new Slopes(new Space({ ...references, values }, scaling, 1)).of(questions, [0], likenessAt(parameters));
        const moved = references.values.slice().fill(1e9, 0, references.width);
        expect(slopesWith(moved)).toEqual(slopesWith(references.values));
      }),
      { numRuns: 50 },
    );
  });

  const telling = 2;
  const { rows, labels, random } = tellingRows({ telling });
  const { scaling } = fitScaling(rows, 'log1p');
  const space = () => new Space({ ...rows, labels }, scaling, 32);
  const questions: Questions = {
    count: rows.count,
    values: withGaps(rows.values, 0.1, random),
    labels,
    origins: Int32Array.from(labels.keys()),
  };
  const learn = (steps: number, seed = 1, onStep?: (step: number) => void) =>
    learnLikeness(space(), questions, {
      steps,
      seed,
      shares: [0.5, 0.5],
      classWeights: [1, 1],
      ...(onStep && { onStep }),
    });

  it('lowers the loss, and finds the column that tells the classes apart among noise', async () => {
    const [before, after] = await Promise.all([learn(0), learn(80)]);
    const parts = { references: { ...rows, labels }, scaling };
    const all = [...labels.keys()];
    const lossOf = (likeness: Likeness) => plainLoss(parts, questions, all, likeness);
    expect(lossOf(after)).toBeLessThan(lossOf(before) / 2);
    const { width } = rows;
    const byField = Array.from({ length: width }, (_, at) => after.weights[at]! + after.weights[width + at]!);
    for (const [field, weight] of byField.entries())
      if (field !== telling) expect(weight).toBeLessThan(byField[telling]! / 5);
  });

  it('learns the same from the same seed, and tells of each step', async () => {
    const told: number[] = [];
    const once = await learn(9, 4, (step) => told.push(step));
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await learn(9, 4)).toEqual(once);
    expect(await learn(9, 5)).not.toEqual(once);
  });
});
