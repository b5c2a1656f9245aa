import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { fitNeighbours, Neighbours, type NeighboursInput } from './neighbours.ts';
import { readNeighbours, writeNeighbours } from './neighbours-json.ts';
import { separableRows, withGaps } from './testing.ts';

const learn = ({ rows, ...more }: Partial<NeighboursInput> & Pick<NeighboursInput, 'rows' | 'labels' | 'classes'>) =>
  fitNeighbours({ rows, copies: [withGaps(rows.values, 0.3, new Xoshiro128PlusPlus(2))], steps: 20, ...more });

const { rows, labels, classes } = separableRows({ classes: 3, width: 5 });
const fitted = learn({ rows, labels, classes });
/** Of the same make, some with gaps, one of nothing but gaps. */
const sample = separableRows({ count: 40, classes: 3, width: 5, seed: 9 });
const queries = withGaps(sample.rows.values, 0.2, new Xoshiro128PlusPlus(3)).fill(Number.NaN, 0, 5);

const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((all, each) => all + each, 0);
const votesOf = (votes: Float64Array, row: number) => votes.subarray(row * classes, (row + 1) * classes);

describe('neighbours', () => {
  it('give every row shares that sum to one, and most to the class that it is of', async () => {
    const votes = new Neighbours(await learn({ rows, labels, classes, steps: 80 })).vote(sample.rows.values, 40);
    for (const [row, label] of sample.labels.entries()) {
      const shares = votesOf(votes, row);
      expect(sum(shares)).toBeCloseTo(1, 12);
      expect(shares[label]).toBeGreaterThan(0.6);
    }
  });

  it('give a row of nothing but gaps the shares of the classes', async () => {
    const uneven = labels.map((label) => (label === 2 ? 0 : label));
    const votes = new Neighbours(await learn({ rows, labels: uneven, classes })).vote(new Float64Array(5).fill(NaN), 1);
    expect(votes[0]).toBeCloseTo(2 / 3, 2);
    expect(votes[1]).toBeCloseTo(1 / 3, 2);
    expect(votes[2]).toBeGreaterThan(0);
    expect(votes[2]).toBeLessThan(0.01);
  });

  it('vote alike for a row, wherever it stands in whatever batch', async () => {
    const neighbours = new Neighbours(await fitted);
    const whole = neighbours.vote(queries, 40);
    for (const size of [1, 3, 16, 17, 40]) {
      for (let from = 0; from < 40; from += size) {
        const count = Math.min(size, 40 - from);
        const votes = neighbours.vote(queries.slice(from * 5, (from + count) * 5), count);
        expect(votes).toEqual(whole.slice(from * classes, (from + count) * classes));
      }
    }
  });

  it('vote bit for bit alike when they were written and read', async () => {
    const kinds = fc.record({
      transform: fc.constantFrom('none', 'log1p', 'quantile'),
      wild: fc.subarray([-0, 1e300, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE]),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(kinds, async ({ transform, wild, seed }) => {
        const random = new Xoshiro128PlusPlus(seed);
        const strange = rows.values.slice();
        for (const each of wild) strange[random.below(strange.length)] = each;
        const table = { ...rows, values: strange };
        const first = await learn({ rows: table, labels, classes, transform, seed, steps: 4 });
        const json = JSON.parse(JSON.stringify(writeNeighbours(first)));
        const again = readNeighbours(json, { width: 5, classes });
        const votes = new Neighbours(first).vote(strange, rows.count);
        expect(votes.every(Number.isFinite)).toBe(true);
        expect(new Neighbours(again).vote(strange, rows.count)).toEqual(votes);
      }),
      { numRuns: 25 },
    );
  });

  it('of many rows as many as are wanted are drawn, each once, by the seed', async () => {
    const draw = async (seed: number) =>
      (await learn({ rows, labels, classes, references: 50, seed, steps: 3 })).references;
    const { count, values, labels: kept } = await draw(7);
    expect([count, values.length, kept.length]).toEqual([50, 250, 50]);
    const rowAt = (table: Float64Array, row: number) => table.subarray(row * 5, row * 5 + 5).join();
    const known = new Map(Array.from(labels, (label, row) => [rowAt(rows.values, row), label]));
    const drawn = Array.from(kept, (_, row) => rowAt(values, row));
    expect(new Set(drawn).size).toBe(50);
    expect(drawn.map((row) => known.get(row))).toEqual([...kept]);
    const order = [...known.keys()];
    expect(drawn).toEqual(order.filter((row) => drawn.includes(row)));
    expect(await draw(7)).toEqual(await draw(7));
    expect((await draw(8)).values).not.toEqual(values);
    expect((await learn({ rows, labels, classes, references: rows.count, steps: 0 })).references.values).toEqual(
      rows.values,
    );
  });

  it('learn from every copy', async () => {
    const [one, other, third] = [3, 4, 5].map((seed) => withGaps(rows.values, 0.5, new Xoshiro128PlusPlus(seed))) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const metricOf = async (...copies: Float64Array[]) =>
      (await learn({ rows, labels, classes, copies, steps: 5 })).metric;
    const both = await metricOf(one, other);
    expect(await metricOf(one, third)).not.toEqual(both);
    expect(await metricOf(third, other)).not.toEqual(both);
  });

  it('learn from copies of rows that do not vote too', async () => {
    const few = { rows, labels, classes, references: 6 };
    const votes = new Neighbours(await learn({ ...few, steps: 80 })).vote(sample.rows.values, 40);
    const right = Array.from(sample.labels).filter((label, row) => votesOf(votes, row)[label]! > 0.5);
    expect(right.length).toBeGreaterThan(30);
  });

  it.each<[string, number, number[]]>([
    ['one row', 1, [1]],
    ['two rows', 2, [0, 1]],
    ['two rows of one class', 2, [1, 1]],
    ['a class without rows', 5, [0, 2, 2, 0, 2]],
  ])('are content with %s', async (_, count, few) => {
    const table = { count, width: 5, values: rows.values.slice(0, count * 5) };
    for (const classWeights of [[1, 1, 1], few.includes(1) ? [0, 1, 0] : [2, 0, 1]]) {
      const each = await learn({ rows: table, labels: Int32Array.from(few), classes, classWeights });
      const again = readNeighbours(JSON.parse(JSON.stringify(writeNeighbours(each))), { width: 5, classes });
      const votes = new Neighbours(again).vote(queries, 40);
      for (let row = 0; row < 40; row++) {
        expect(sum(votesOf(votes, row))).toBeCloseTo(1, 12);
        expect(votesOf(votes, row).every((share) => share >= 0)).toBe(true);
      }
    }
  });

  it('report each step', async () => {
    const reported: string[] = [];
    await learn({ rows, labels, classes, steps: 3, onStep: (step, of) => reported.push(`${step}/${of}`) });
    expect(reported).toEqual(['1/3', '2/3', '3/3']);
  });
});
