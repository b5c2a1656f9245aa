import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { permutationImportance } from '../permutation.ts';
import type { Forest, Tree } from './forest.ts';
import { compile } from './layout.ts';
import { predict } from './predict.ts';
import { trainForest } from './train.ts';
import type { Classification, ForestOptions } from './training-data.ts';

/** Rows of classes that overlap a little: column 0 and 1 separate them, the others are noise. */
function blobs(count: number, { width = 6, classes = 3, seed = 1 } = {}) {
  const random = new Xoshiro128PlusPlus(seed);
  const noise = () => random.fraction() + random.fraction() + random.fraction() - 1.5;
  const labels = Int32Array.from({ length: count }, () => random.below(classes));
  const values = new Float64Array(count * width);
  for (const [row, label] of labels.entries()) {
    for (let column = 0; column < width; column++) {
      const centre = column === 0 ? label : column === 1 ? (label * 2) % classes : 0;
      values[row * width + column] = centre + noise() * 0.6;
    }
  }
  return { values, count, width, labels, classes };
}

function accuracyOf(
  forest: Forest,
  { values, count, labels }: { values: Float64Array; count: number; labels: Int32Array },
) {
  const out = { probabilities: new Float64Array(count * forest.outputs), labels: new Int32Array(count) };
  predict(compile(forest), values, count, out);
  return labels.reduce((right, label, row) => right + (label === out.labels[row] ? 1 : 0), 0) / count;
}

const nodesOf = (tree: Tree) => Array.from(tree.feature.keys());
const leavesOf = (tree: Tree) => nodesOf(tree).filter((node) => tree.feature[node]! < 0);

function depthOf(tree: Tree, node = 0): number {
  return tree.feature[node]! < 0 ? 0 : 1 + Math.max(depthOf(tree, tree.left[node]), depthOf(tree, tree.right[node]));
}

describe('trainForest', () => {
  const data = blobs(300);
  const unseen = blobs(400, { seed: 2 });

  it('learns what rows it has not seen are', async () => {
    const { forest } = await trainForest({ ...data, options: { trees: 30 } });
    expect(accuracyOf(forest, unseen)).toBeGreaterThan(0.9);
  });

  it('grows the same forest from the same seed on any number of threads, and another from another', async () => {
    const train = (seed: number, threads: number) => trainForest({ ...data, options: { trees: 12, seed }, threads });
    const [one, two, three, other] = await Promise.all([train(5, 1), train(5, 2), train(5, 3), train(6, 1)]);
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    expect(other.forest).not.toEqual(one.forest);
  });

  it('reports its progress', async () => {
    const seen: number[] = [];
    await trainForest({ ...data, options: { trees: 9 }, threads: 2, onProgress: ({ trees }) => void seen.push(trees) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('without time is the first trees of the forest that it would be', async () => {
    const { forest } = await trainForest({ ...data, options: { trees: 9 } });
    for (const threads of [1, 2]) {
      let asked = 0;
      const cut = await trainForest({ ...data, options: { trees: 9 }, threads, isTimeUp: () => ++asked === 2 });
      expect(cut.forest.trees.length).toBeGreaterThanOrEqual(2);
      expect(cut.forest.trees.length).toBeLessThan(9);
      expect(cut.forest.trees).toEqual(forest.trees.slice(0, cut.forest.trees.length));
    }
    expect((await trainForest({ ...data, isTimeUp: () => true, threads: 1 })).forest.trees).toHaveLength(1);
  });

  it('is refused where its trees are more than its file can hold, with leaves that would do', async () => {
    const random = new Xoshiro128PlusPlus(3);
    // Labels that nothing tells apart make the largest trees.
    const shuffled = data.labels.map(() => random.below(3));
    const grow = (minSamplesLeaf: number) =>
      trainForest({ ...data, labels: shuffled, options: { trees: 40, minSamplesLeaf }, mostSize: 20_000 });
    const refused = await grow(1).then(String, String);
    expect(refused).toMatch(/too large for one file: the first \d+ of its 40 trees fill it; let a leaf hold more rows/);
    const leaves = Number(/minSamplesLeaf=(\d+)/.exec(refused)?.[1]);
    expect((await grow(leaves)).forest.trees).toHaveLength(40);
  });

  it.each<[string, ForestOptions]>([
    ['the defaults', {}],
    ['extra trees', { extraTrees: true }],
    ['balanced classes', { classWeights: 'balanced' }],
    ['every column', { maxFeatures: 'all' }],
    ['a share of the columns', { maxFeatures: 0.4 }],
  ])('grows pure leaves and sound trees with %s', async (_, options) => {
    const { forest, importance } = await trainForest({ ...data, options: { ...options, trees: 10, bootstrap: false } });
    expect(accuracyOf(forest, data)).toBe(1);
    expect(importance.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
    for (const tree of forest.trees) {
      for (const leaf of leavesOf(tree)) {
        const value = Array.from(tree.value.subarray(leaf * 3, leaf * 3 + 3));
        expect(value.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
        expect(Math.max(...value)).toBe(1);
      }
      for (const node of nodesOf(tree).filter((each) => tree.feature[each]! >= 0)) {
        const below = tree.weight[tree.left[node]!]! + tree.weight[tree.right[node]!]!;
        expect(below).toBeCloseTo(tree.weight[node]!, 8);
        expect(tree.left[node]).toBeGreaterThan(node);
      }
    }
  });

  it('stays within the depth and leaves as many rows as wanted', async () => {
    const { forest } = await trainForest({ ...data, options: { trees: 10, maxDepth: 4, minSamplesLeaf: 7 } });
    for (const tree of forest.trees) {
      expect(depthOf(tree)).toBeLessThanOrEqual(4);
      for (const leaf of leavesOf(tree)) expect(tree.weight[leaf]).toBeGreaterThanOrEqual(7);
      expect(tree.weight[0]).toBe(300);
    }
  });

  it('lets a class without weight go', async () => {
    const { forest } = await trainForest({ ...data, options: { trees: 5, classWeights: [0, 1, 1] } });
    const out = { probabilities: new Float64Array(900), labels: new Int32Array(300) };
    predict(compile(forest), data.values, 300, out);
    for (let row = 0; row < 300; row++) expect(out.probabilities[row * 3]).toBe(0);
  });

  it('knows which columns matter, by impurity and by permutation', async () => {
    const { forest, importance } = await trainForest({ ...data, options: { trees: 40 } });
    const accuracyOn = (values: Float64Array) => accuracyOf(forest, { ...unseen, values });
    const { lost } = await permutationImportance({ ...unseen, accuracyOf: accuracyOn });
    for (const by of [importance, lost]) {
      const informative = Math.min(by[0]!, by[1]!);
      for (const noise of by.subarray(2)) expect(noise).toBeLessThan(informative);
    }
    expect(lost[0]).toBeGreaterThan(0.1);
  });

  it('scores itself on rows that its trees did not see', async () => {
    const { forest, outOfBag } = await trainForest({ ...data, options: { trees: 60, outOfBag: true } });
    expect(outOfBag!.rows).toBe(300);
    expect(Math.abs(outOfBag!.score - accuracyOf(forest, unseen))).toBeLessThan(0.06);
    expect(accuracyOf(forest, data)).toBeGreaterThan(outOfBag!.score);
  });

  it.each([{ extraTrees: false }, { extraTrees: true }])('learns from rows with gaps: %o', async (options) => {
    const random = new Xoshiro128PlusPlus(9);
    const withGaps = (values: Float64Array) => values.map((value) => (random.fraction() < 0.2 ? Number.NaN : value));
    const gappy = withGaps(data.values);
    for (let at = 5; at < gappy.length; at += data.width) gappy[at] = Number.NaN;
    const input = { ...data, values: gappy, options: { ...options, trees: 40, seed: 3 } };
    const { forest, importance } = await trainForest(input);
    expect(importance[5]).toBe(0);
    expect(accuracyOf(forest, { ...unseen, values: withGaps(unseen.values) })).toBeGreaterThan(0.75);
    expect((await trainForest({ ...input, threads: 2 })).forest).toEqual(forest);
  });

  it('makes one leaf of rows that are all the same', async () => {
    const same = {
      values: new Float64Array(8).fill(2),
      count: 4,
      width: 2,
      labels: Int32Array.of(0, 1, 1, 1),
      classes: 2,
    };
    const { forest, importance } = await trainForest({ ...same, options: { trees: 2, bootstrap: false } });
    expect(forest.trees.map(({ feature }) => feature.length)).toEqual([1, 1]);
    expect(Array.from(forest.trees[0]!.value)).toEqual([0.25, 0.75]);
    expect(Array.from(importance)).toEqual([0, 0]);
  });

  it('predicts numbers', async () => {
    const random = new Xoshiro128PlusPlus(4);
    const values = Float64Array.from({ length: 500 * 3 }, () => random.fraction() * 4);
    const targets = Float64Array.from(
      { length: 500 },
      (_, row) => Math.sin(values[row * 3]!) * 3 + values[row * 3 + 1]!,
    );
    const options = { trees: 30, outOfBag: true };
    const { forest, importance, outOfBag } = await trainForest({ values, count: 500, width: 3, targets, options });
    expect(outOfBag!.score).toBeGreaterThan(0.9);
    expect(importance[2]).toBeLessThan(0.05);
    const out = { probabilities: new Float64Array(500), labels: new Int32Array(500) };
    predict(compile(forest), values, 500, out);
    for (let row = 0; row < 500; row++) expect(Math.abs(out.probabilities[row]! - targets[row]!)).toBeLessThan(2);
    const extra = await trainForest({
      values,
      count: 500,
      width: 3,
      targets,
      options: { trees: 10, extraTrees: true },
    });
    expect(extra.importance[2]).toBeLessThan(0.1);
  });

  it.each<[string, Partial<Classification>, RegExp]>([
    ['no rows', { count: 0 }, /0 rows/],
    ['an infinite value', { values: data.values.with(7, Infinity) }, /row 1, column 1 is infinite/],
    ['a label that is no class', { labels: data.labels.with(4, 3) }, /label of row 4 is 3/],
    ['too few labels', { labels: new Int32Array(2) }, /fewer values or labels/],
    ['no trees', { options: { trees: 0 } }, /at least 1/],
    ['weights for other classes', { options: { classWeights: [1, 1] } }, /classWeights/],
  ])('refuses %s', async (_, wrong, why) => {
    await expect(trainForest({ ...data, ...wrong })).rejects.toThrow(why);
    await expect(trainForest({ ...data, ...wrong })).rejects.toMatchObject({ code: 'data-invalid' });
  });
});

describe('the first split', () => {
  const cell = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -3, max: 6 }) }, fc.constant(Number.NaN));
  const anyTask = fc.integer({ min: 2, max: 6 }).chain((classes) =>
    fc.record({
      classes: fc.constant(classes),
      rows: fc.array(fc.record({ cells: fc.tuple(cell, cell), label: fc.nat({ max: classes - 1 }) }), {
        minLength: 2,
        maxLength: 30,
      }),
      classWeights: fc.array(fc.constantFrom(0.5, 1, 3), { minLength: classes, maxLength: classes }),
      minSamplesLeaf: fc.integer({ min: 1, max: 4 }),
    }),
  );

  it('is the best of all', async () => {
    await fc.assert(
      fc.asyncProperty(anyTask, async ({ classes, rows, classWeights, minSamplesLeaf }) => {
        const { forest } = await trainForest({
          values: Float64Array.from(rows.flatMap(({ cells }) => cells)),
          count: rows.length,
          width: 2,
          labels: Int32Array.from(rows, ({ label }) => label),
          classes,
          options: { trees: 1, bootstrap: false, maxFeatures: 'all', maxDepth: 1, minSamplesLeaf, classWeights },
        });
        const gain = forest.trees[0]!.gain[0]!;
        expect(gain).toBeCloseTo(Math.max(0, bestGain(rows, classWeights, minSamplesLeaf)), 9);
      }),
      { numRuns: 200 },
    );
  });
});

interface Row {
  cells: [number, number];
  label: number;
}

/** By trying everything: the greatest fall in Gini impurity, that of the known rows by their share of the weight. */
function bestGain(rows: readonly Row[], classWeights: readonly number[], minSamplesLeaf: number): number {
  const weight = (some: readonly Row[]) => some.reduce((sum, { label }) => sum + classWeights[label]!, 0);
  const gini = (some: readonly Row[]) =>
    1 -
    classWeights.reduce(
      (sum, _, label) => sum + (weight(some.filter((row) => row.label === label)) / weight(some)) ** 2,
      0,
    );
  let best = 0;
  for (const column of [0, 1] as const) {
    const known = rows.filter(({ cells }) => !Number.isNaN(cells[column]));
    for (const { cells } of known) {
      const left = known.filter((row) => row.cells[column] < cells[column]);
      const right = known.filter((row) => row.cells[column] >= cells[column]);
      if (left.length < minSamplesLeaf || right.length < minSamplesLeaf) continue;
      const after = (gini(left) * weight(left) + gini(right) * weight(right)) / weight(known);
      best = Math.max(best, ((gini(known) - after) * weight(known)) / weight(rows));
    }
  }
  return best;
}
