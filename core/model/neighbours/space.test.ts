import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { fitScaling } from '../impute/scaling.ts';
import { Space } from './space.ts';
import { plainSquares, withGaps } from './testing.ts';

const shapes = fc.record({
  count: fc.integer({ min: 1, max: 37 }),
  width: fc.integer({ min: 1, max: 7 }),
  queries: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom('none', 'log1p', 'quantile'),
  gaps: fc.constantFrom(0, 0.3, 0.9, 1),
  wild: fc.subarray([1e300, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE]),
  seed: fc.nat(),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

/** Counts that are often zero, a constant column, and, where it is wild, values beyond all others. */
function sampleSpace({ count, width, queries, kind, gaps, wild, seed }: Shape) {
  const random = new Xoshiro128PlusPlus(seed);
  const draw = (length: number) =>
    Float64Array.from({ length }, (_, at) => {
      if (at % width === 1) return 7;
      return random.fraction() < 0.4 ? 0 : (random.fraction() - 0.3) * 10 ** random.below(4);
    });
  const values = draw(count * width);
  for (const each of wild) values[random.below(values.length)] = each;
  const { scaling } = fitScaling({ count, width, values }, kind);
  const references = { count, width, values, labels: new Int32Array(count) };
  const queryValues = withGaps(draw(queries * width), gaps, random);
  for (const each of wild) queryValues[random.below(queryValues.length)] = -each;
  const weights = Float64Array.from({ length: 2 * width }, () => (random.below(4) === 0 ? 0 : random.fraction() * 3));
  const space = new Space(references, scaling, queries);
  const setQueries = () => {
    for (let query = 0; query < queries; query++) space.setQuery(query, queryValues, query * width, weights);
    space.measure(queries);
  };
  const squaresOf = (query: number, reference: number) =>
    plainSquares(references, scaling, reference, queryValues.subarray(query * width, (query + 1) * width));
  return { space, setQueries, squaresOf, weights, queryValues, references, random };
}

const dot = (one: Float64Array, other: Float64Array) => one.reduce((sum, each, at) => sum + each * other[at]!, 0);

describe('a space', () => {
  it('measures squared distances as the definition does', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { space, setQueries, squaresOf, weights, queryValues } = sampleSpace(shape);
        setQueries();
        for (let query = 0; query < shape.queries; query++) {
          const row = queryValues.subarray(query * shape.width, (query + 1) * shape.width);
          const measured = row.filter((value) => !Number.isNaN(value)).length;
          expect(space.known[query]).toBe(measured / shape.width);
          for (let reference = 0; reference < shape.count; reference++) {
            const square = space.baseOf(query) + space.distancesOf(query)[reference]!;
            expect(square).toBeCloseTo(dot(weights, squaresOf(query, reference)), 3);
            if (measured === 0) expect(square).toBe(0);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has each row at no distance from itself', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { space, references, weights } = sampleSpace(shape);
        for (let row = 0; row < shape.count; row++) {
          space.setQuery(0, references.values, row * shape.width, weights);
          space.measure(1);
          expect(space.baseOf(0) + space.distancesOf(0)[row]!).toBeCloseTo(0, 3);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('passes gradients in the distances back to the weights', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { space, setQueries, squaresOf, weights, random } = sampleSpace(shape);
        setQueries();
        const expected = new Float64Array(weights.length);
        for (let query = 0; query < shape.queries; query++) {
          for (let reference = 0; reference < shape.count; reference++) {
            const change = Math.fround(random.fraction() - 0.5);
            space.distancesOf(query)[reference] = change;
            // Distances are straight in the weights.
            for (const [at, square] of squaresOf(query, reference).entries()) expected[at]! += change * square;
          }
        }
        const gradients = new Float64Array(weights.length).fill(1);
        space.addGradients(shape.queries, gradients);
        for (const [at, gradient] of expected.entries()) expect(gradients[at]! - 1).toBeCloseTo(gradient, 2);
        // Factors were lost, and come back when the queries are set again.
        setQueries();
        expect(space.baseOf(0) + space.distancesOf(0)[0]!).toBeCloseTo(dot(weights, squaresOf(0, 0)), 3);
      }),
      { numRuns: 100 },
    );
  });
});
