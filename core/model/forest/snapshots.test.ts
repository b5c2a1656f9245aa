import { describe, expect, it } from 'vitest';
import { elementAt } from '../../numeric/element.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { trainBoosted } from './boost.ts';
import { averageMembers, compileSnapshots, trainSnapshots } from './snapshots.ts';
import { readSnapshots, writeSnapshots } from './snapshots-json.ts';
import { predictReference } from './testing/reference.ts';

/** Rows of classes that columns 0 and 1 separate together; the third is noise. */
function rowsOf(count: number, { classes = 2, seed = 1, gaps = 0 } = {}) {
  const random = new Xoshiro128PlusPlus(seed);
  const values = Float64Array.from({ length: count * 3 }, () => random.fraction());
  const labels = Int32Array.from({ length: count }, (_, row) =>
    Math.min(classes - 1, Math.floor((elementAt(values, row * 3) + elementAt(values, row * 3 + 1)) * 0.5 * classes)),
  );
  const withGaps = values.map((value) => (random.fraction() < gaps ? Number.NaN : value));
  return { values: withGaps, count, width: 3, labels, classes };
}

const accuracyOf = (labels: Int32Array, truths: Int32Array) =>
  labels.filter((label, row) => label === truths[row]).length / truths.length;

describe('a snapshot ensemble', () => {
  it.each([2, 3])('of %i classes learns as one boosted model of as many trees does', async (classes) => {
    const data = rowsOf(600, { classes });
    const unseen = rowsOf(600, { classes, seed: 2 });
    const options = { trees: 50, columnShare: 1 };
    const ensemble = await trainSnapshots({ ...data, options }, 5);
    const single = await trainBoosted({ ...data, options });
    expect(ensemble.cycles).toHaveLength(5);
    expect(ensemble.cycles.flat()).toHaveLength(single.trees.length);
    const { labels } = compileSnapshots(ensemble)(unseen.values, unseen.count);
    expect(accuracyOf(labels, unseen.labels)).toBeGreaterThan(0.88);
  });

  it('predicts the mean of models, each half of the one before it and the trees of its cycle', async () => {
    const data = rowsOf(80, { classes: 3, gaps: 0.2 });
    const ensemble = await trainSnapshots({ ...data, options: { trees: 10 } }, 4);
    const { base, keep, cycles, width } = ensemble;
    expect(keep).toBe(0.5);
    const boosting = { base: new Float64Array(3), link: 'identity' } as const;
    const { probabilities, labels, spread } = compileSnapshots(ensemble)(data.values, data.count);
    for (let row = 0; row < data.count; row++) {
      let sums = [0, 0, 0];
      const members = cycles.map((trees) => {
        const forest = { task: 'classification', width, outputs: 3, trees, boosting } as const;
        const added = predictReference(forest, data.values.subarray(row * 3, row * 3 + 3), 'mean').probabilities;
        sums = sums.map((sum, at) => keep * sum + elementAt(added, at));
        const powers = sums.map((sum, at) => Math.exp(sum + elementAt(base, at)));
        return powers.map((power) => power / powers.reduce((a, b) => a + b));
      });
      const mean = sums.map((_, at) => members.reduce((sum, member) => sum + elementAt(member, at), 0) / 4);
      const apart = members.map(
        (member) => member.reduce((sum, p, at) => sum + Math.abs(p - elementAt(mean, at)), 0) / 2,
      );
      for (let at = 0; at < 3; at++) expect(probabilities[row * 3 + at]).toBeCloseTo(elementAt(mean, at), 12);
      expect(spread[row]).toBeCloseTo(apart.reduce((sum, each) => sum + each, 0) / 4, 12);
      expect(labels[row]).toBe(mean.indexOf(Math.max(...mean)));
    }
    expect(spread.some((each) => each > 0.01)).toBe(true);
  });

  it('is the same from the same seed, and another from another', async () => {
    const train = (seed: number) => trainSnapshots({ ...rowsOf(200), options: { trees: 10, seed } }, 5);
    const [one, again, other] = await Promise.all([train(1), train(1), train(2)]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('has the models that were made when time is up', async () => {
    let asked = 0;
    const ensemble = await trainSnapshots({ ...rowsOf(200), options: { trees: 20 }, isTimeUp: () => ++asked > 10 }, 5);
    expect(ensemble.cycles.map((trees) => trees.length)).toEqual([4, 4, 3]);
  });

  it('predicts the same when it was written and read again', async () => {
    const data = rowsOf(100, { gaps: 0.3 });
    const ensemble = await trainSnapshots({ ...data, options: { trees: 12 } }, 3);
    const read = readSnapshots(JSON.parse(JSON.stringify(writeSnapshots(ensemble))), data);
    expect(compileSnapshots(read)(data.values, data.count)).toEqual(
      compileSnapshots(ensemble)(data.values, data.count),
    );
  });
});

it('the spread is 0 where all models predict the same, and 1 - 1/M where each predicts another class', () => {
  const alike = [Float64Array.of(0.25, 0.75), Float64Array.of(0.25, 0.75)];
  expect(averageMembers(alike, 1, 2)).toMatchObject({ labels: Int32Array.of(1), spread: Float64Array.of(0) });
  const apart = [Float64Array.of(1, 0, 0), Float64Array.of(0, 1, 0), Float64Array.of(0, 0, 1)];
  expect(averageMembers(apart, 1, 3).spread[0]).toBeCloseTo(2 / 3, 12);
});
