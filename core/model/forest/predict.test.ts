import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Forest, Voting } from './forest.ts';
import { compile } from './layout.ts';
import { predict } from './predict.ts';
import { anyForest, anyRows } from './testing/arbitrary.ts';
import { predictReference } from './testing/reference.ts';

function predictAll(forest: Forest, voting: Voting, values: Float64Array) {
  const count = values.length / forest.width;
  const out = {
    probabilities: new Float64Array(count * forest.outputs).fill(7),
    labels: new Int32Array(count).fill(7),
  };
  predict(compile(forest, { voting }), values, count, out);
  return out;
}

function reference(forest: Forest, voting: Voting, values: Float64Array) {
  const rows = Array.from({ length: values.length / forest.width }, (_, row) =>
    predictReference(forest, values.subarray(row * forest.width, (row + 1) * forest.width), voting),
  );
  return {
    probabilities: Float64Array.from(rows.flatMap((row) => row.probabilities)),
    labels: Int32Array.from(rows, (row) => row.label),
  };
}

const votings = fc.constantFrom<Voting>('mean', 'majority');
const cases = (gaps: boolean) =>
  fc
    .tuple(anyForest, votings)
    .chain(([forest, voting]) =>
      fc.record({ forest: fc.constant(forest), voting: fc.constant(voting), values: anyRows(forest, { gaps }) }),
    );

describe('predict', () => {
  it('predicts exactly as the reference for rows without gaps', () => {
    fc.assert(
      fc.property(cases(false), ({ forest, voting, values }) => {
        expect(predictAll(forest, votingOf(forest, voting), values)).toEqual(
          reference(forest, votingOf(forest, voting), values),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('predicts as the reference for rows with gaps, up to rounding', () => {
    fc.assert(
      fc.property(cases(true), ({ forest, values }) => {
        const fast = predictAll(forest, 'mean', values);
        const slow = reference(forest, 'mean', values);
        for (const [at, value] of fast.probabilities.entries()) expect(value).toBeCloseTo(slow.probabilities[at]!, 10);
      }),
      { numRuns: 300 },
    );
  });

  it('predicts the same for a row alone and among others', () => {
    fc.assert(
      fc.property(cases(true), ({ forest, voting, values }) => {
        const together = predictAll(forest, voting, values);
        for (let row = 0; row < values.length / forest.width; row++) {
          const alone = predictAll(forest, voting, values.slice(row * forest.width, (row + 1) * forest.width));
          expect(alone.labels[0]).toBe(together.labels[row]);
          expect(Array.from(alone.probabilities)).toEqual(
            Array.from(together.probabilities.slice(row * forest.outputs, (row + 1) * forest.outputs)),
          );
        }
      }),
      { numRuns: 25 },
    );
  });

  it('takes batches larger than its room', () => {
    const [forest] = fc.sample(anyForest, { seed: 7, numRuns: 1 }) as [Forest];
    const values = Float64Array.from({ length: 3000 * forest.width }, (_, at) => ((at * 7919) % 11) - 3);
    expect(predictAll(forest, 'mean', values)).toEqual(reference(forest, 'mean', values));
  });

  it('gives the draw to the class that was first to have as many votes, as ml-array-mode does', () => {
    const votes = [0, 1, 1, 0];
    const forest: Forest = { task: 'classification', width: 1, outputs: 2, trees: votes.map(leafOnly) };
    expect(predictAll(forest, 'majority', Float64Array.of(5)).labels[0]).toBe(1);
    expect(predictAll(forest, 'mean', Float64Array.of(5)).labels[0]).toBe(0);
  });

  it('follows the direction that a tree has learnt for gaps', () => {
    const stump = (gapsLeft: number) => ({
      ...leafOnly(0),
      feature: Int32Array.of(0, -1, -1),
      threshold: Float64Array.of(1, 0, 0),
      left: Int32Array.of(1, -1, -1),
      right: Int32Array.of(2, -1, -1),
      value: Float64Array.of(0, 0, 1, 0, 0, 1),
      weight: Float64Array.of(4, 3, 1),
      gain: new Float64Array(3),
      ...(gapsLeft < 0 ? {} : { gapsLeft: Uint8Array.of(gapsLeft, 0, 0) }),
    });
    const share = (gapsLeft: number) =>
      predictAll(
        { task: 'classification', width: 1, outputs: 2, trees: [stump(gapsLeft)] },
        'mean',
        Float64Array.of(Number.NaN),
      ).probabilities[0];
    expect([share(1), share(0), share(-1)]).toEqual([1, 0, 0.75]);
  });
});

/** Regression knows no votes. */
const votingOf = (forest: Forest, voting: Voting): Voting => (forest.task === 'regression' ? 'mean' : voting);

function leafOnly(label: number) {
  return {
    feature: Int32Array.of(-1),
    threshold: new Float64Array(1),
    left: Int32Array.of(-1),
    right: Int32Array.of(-1),
    value: Float64Array.of(label === 0 ? 1 : 0, label === 1 ? 1 : 0),
    weight: Float64Array.of(1),
    gain: new Float64Array(1),
  };
}
