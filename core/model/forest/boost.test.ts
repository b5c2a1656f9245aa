import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { type BoostingOptions, trainBoosted } from './boost.ts';
import { leafRowsFor } from './boost-grow.ts';
import { readBoosted, writeBoosted } from './boosted-json.ts';
import type { Forest } from './forest.ts';
import { compile } from './layout.ts';
import { predict } from './predict.ts';
import { predictReference } from './testing/reference.ts';

/** Rows of classes that columns 0 and 1 separate together; the third is noise. */
function rowsOf(count: number, { classes = 2, seed = 1, gaps = 0 } = {}) {
  const random = new Xoshiro128PlusPlus(seed);
  const labels = new Int32Array(count);
  const values = Float64Array.from({ length: count * 3 }, () => random.fraction());
  for (let row = 0; row < count; row++) {
    labels[row] = Math.min(classes - 1, Math.floor((values[row * 3]! + values[row * 3 + 1]!) * 0.5 * classes));
    for (let at = row * 3; at < row * 3 + 3; at++) if (random.fraction() < gaps) values[at] = Number.NaN;
  }
  return { values, count, width: 3, labels, classes };
}

function predictionsOf(forest: Forest, values: Float64Array, count: number) {
  const out = { labels: new Int32Array(count), probabilities: new Float64Array(count * forest.outputs) };
  predict(compile(forest), values, count, out);
  return out;
}

function accuracyOf(forest: Forest, { values, count, labels }: ReturnType<typeof rowsOf>): number {
  const predicted = predictionsOf(forest, values, count).labels;
  return labels.filter((label, row) => label === predicted[row]).length / count;
}

const lossOf = (forest: Forest, { values, count, labels, classes }: ReturnType<typeof rowsOf>): number => {
  const { probabilities } = predictionsOf(forest, values, count);
  return labels.reduce((sum, label, row) => sum - Math.log(probabilities[row * classes + label]!), 0) / count;
};

describe('boosted trees', () => {
  it.each([2, 3, 5])('learn to separate %i classes, the better the more there are', async (classes) => {
    const data = rowsOf(600, { classes });
    const unseen = rowsOf(600, { classes, seed: 2 });
    const few = await trainBoosted({ ...data, options: { trees: 10 } });
    const many = await trainBoosted({ ...data, options: { trees: 80, columnShare: 1 } });
    expect(few.trees).toHaveLength(classes === 2 ? 10 : 10 * classes);
    expect(lossOf(many, data)).toBeLessThan(lossOf(few, data) / 2);
    expect(accuracyOf(many, unseen)).toBeGreaterThan(0.88);
  });

  it('are the same from the same seed, and others from another', async () => {
    const data = rowsOf(200);
    const train = (seed: number) => trainBoosted({ ...data, options: { trees: 5, seed } });
    const [one, again, other] = await Promise.all([train(1), train(1), train(2)]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('send a gap where it belongs: missingness can be informative', async () => {
    const data = rowsOf(400);
    // Column 2 is informative only by being missing.
    for (let row = 0; row < data.count; row++) if (data.labels[row] === 1) data.values[row * 3 + 2] = Number.NaN;
    const forest = await trainBoosted({ ...data, options: { trees: 20, columnShare: 1 } });
    expect(accuracyOf(forest, data)).toBe(1);
    const fresh = Float64Array.of(0.5, 0.5, Number.NaN, 0.5, 0.5, 0.5);
    expect([...predictionsOf(forest, fresh, 2).labels]).toEqual([1, 0]);
  });

  it('keep the number of leaves and the rows in each', async () => {
    const options: BoostingOptions = { trees: 8, leaves: 5, minSamplesLeaf: 30, rowShare: 1 };
    const { trees } = await trainBoosted({ ...rowsOf(500, { gaps: 0.2 }), options });
    for (const { feature, weight } of trees) {
      const leaves = [...feature.keys()].filter((node) => feature[node]! < 0);
      expect(leaves.length).toBeLessThanOrEqual(5);
      for (const leaf of leaves) expect(weight[leaf]).toBeGreaterThanOrEqual(30);
      expect(leaves.reduce((sum, leaf) => sum + weight[leaf]!, 0)).toBe(500);
    }
  });

  it.each([
    [1, 1],
    [39, 1],
    [50, 2],
    [399, 19],
    [400, 20],
    [100_000, 20],
  ])('of %i rows need %i in a leaf', (rows, needed) => {
    expect(leafRowsFor(rows)).toBe(needed);
  });

  it('learn from few rows: with 20 in a leaf there would be no split', async () => {
    const data = rowsOf(60);
    const unseen = rowsOf(1_000, { seed: 2 });
    const few = await trainBoosted(data);
    const stumps = await trainBoosted({ ...data, options: { minSamplesLeaf: 20 } });
    expect(stumps.trees.every(({ feature }) => feature.length === 1)).toBe(true);
    expect(accuracyOf(few, unseen)).toBeGreaterThan(accuracyOf(stumps, unseen) + 0.2);
    for (const { feature, weight } of few.trees)
      for (const [node, tested] of feature.entries()) if (tested < 0) expect(weight[node]).toBeGreaterThanOrEqual(3);
  });

  it('listen to the weights of classes', async () => {
    const data = rowsOf(300);
    const spamOf = async (classWeights: readonly number[]) => {
      const forest = await trainBoosted({ ...data, options: { trees: 3, classWeights } });
      return predictionsOf(forest, data.values, data.count).labels.reduce((sum, label) => sum + label, 0);
    };
    expect(await spamOf([1, 50])).toBeGreaterThan(await spamOf([50, 1]));
  });

  it('of several models are their average', async () => {
    const data = rowsOf(200);
    const both = await trainBoosted({ ...data, options: { trees: 4, models: 2 } });
    const first = await trainBoosted({ ...data, options: { trees: 4 } });
    expect(both.trees).toHaveLength(8);
    expect(both.trees.slice(0, 4).map(({ value }) => value.map((each) => each * 2))).toEqual(
      first.trees.map(({ value }) => value),
    );
    expect(both.trees[4]).not.toEqual(both.trees[0]);
  });

  it('report their progress', async () => {
    const seen: string[] = [];
    const onProgress = ({ trees, of }: { trees: number; of: number }) => void seen.push(`${trees}/${of}`);
    await trainBoosted({ ...rowsOf(50, { classes: 3 }), options: { trees: 3 }, onProgress });
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
  });

  it('without time are the first rounds of what they would be', async () => {
    const data = rowsOf(50, { classes: 3 });
    const whole = await trainBoosted({ ...data, options: { trees: 5 } });
    let asked = 0;
    const cut = await trainBoosted({ ...data, options: { trees: 5 }, isTimeUp: () => ++asked === 2 });
    expect(cut.trees).toEqual(whole.trees.slice(0, 2 * 3));
    const averaged = await trainBoosted({ ...data, options: { trees: 2, models: 2 }, isTimeUp: () => true });
    expect(averaged.trees).toHaveLength(2 * 2 * 3);
  });

  it('predict what the reference does, and after being written and read', async () => {
    const data = rowsOf(300, { classes: 3, gaps: 0.2 });
    const forest = await trainBoosted({ ...data, options: { trees: 6 } });
    const again = readBoosted(JSON.parse(JSON.stringify(writeBoosted(forest))), { width: 3, classes: 3 });
    expect(again.trees.map(({ gain, ...tree }) => tree)).toEqual(forest.trees.map(({ gain, ...tree }) => tree));
    const value = fc.oneof(fc.double({ min: -1, max: 2, noNaN: true }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 20 }), (rows) => {
        const { labels, probabilities } = predictionsOf(again, Float64Array.from(rows.flat()), rows.length);
        for (const [row, values] of rows.entries()) {
          const wanted = predictReference(forest, values);
          expect(labels[row]).toBe(wanted.label);
          wanted.probabilities.forEach((share, at) => void expect(probabilities[row * 3 + at]).toBeCloseTo(share, 12));
        }
      }),
    );
  });

  it.each([
    ['no rows', { ...rowsOf(1), count: 0 }, /there are 0 rows/],
    ['an infinite value', { ...rowsOf(2), values: new Float64Array(6).fill(Number.POSITIVE_INFINITY) }, /is infinite/],
    ['a label that is no class', { ...rowsOf(2), labels: Int32Array.of(0, 2) }, /label of row 1 is 2/],
    ['too few labels', { ...rowsOf(2), labels: Int32Array.of(0) }, /fewer values or labels/],
  ])('refuse %s', async (_, input, message) => {
    await expect(trainBoosted(input)).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message),
    });
  });
});

describe('a file of boosted trees', () => {
  const shape = { width: 3, classes: 2 };
  const written = async () =>
    JSON.parse(JSON.stringify(writeBoosted(await trainBoosted({ ...rowsOf(200), options: { trees: 2 } }))));

  it.each<[string, (file: ReturnType<typeof JSON.parse>) => object, RegExp]>([
    ['with another column', ({ trees }) => trees[1].feature.splice(0, 1, 3), /tree 1: it tests column 3/],
    ['with a loop', ({ trees }) => trees[0].left.splice(0, 1, 0), /tree 0: node 0 has the child 0/],
    ['that is cut short', ({ trees }) => trees[0].value.splice(0, 1), /tree 0: value has \d+ entries for/],
    ['for another class', ({ trees }) => Object.assign(trees[0], { output: 2 }), /tree 0: it is for class 2/],
    ['for other classes', ({ base }) => base.splice(0, 0, 0), /it has 3 classes but 2/],
    ['without trees', ({ trees }) => trees.splice(0), /trees: /],
    ['with no number', ({ trees }) => trees[0].threshold.splice(0, 1, null), /trees\.0\.threshold\.0: /],
  ])('%s is refused', async (_, spoil, message) => {
    const file = await written();
    spoil(file);
    expect(() => readBoosted(file, shape)).toThrow(message);
  });
});
