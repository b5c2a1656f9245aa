import { expect, it } from 'vitest';
import type { Forest, Tree } from './forest.ts';
import { importanceByField, impurityImportance } from './importance.ts';

/** A tree with one split on a column, which gains so much by row over so many rows. */
const stump = (column: number, gain: number, weight: number): Tree => ({
  feature: Int32Array.of(column, -1, -1),
  threshold: new Float64Array(3),
  left: Int32Array.of(1, -1, -1),
  right: Int32Array.of(2, -1, -1),
  value: new Float64Array(6),
  weight: Float64Array.of(weight, weight / 2, weight / 2),
  gain: Float64Array.of(gain, 0, 0),
});

const forest: Forest = {
  task: 'classification',
  width: 4,
  outputs: 2,
  trees: [stump(0, 0.5, 60), stump(3, 0.2, 50)],
};

it('each tree of a forest counts alike, and boosted ones by what they gain', () => {
  expect([...impurityImportance(forest)]).toEqual([0.5, 0, 0, 0.5]);
  const boosting = { base: new Float64Array(2), link: 'softmax' } as const;
  expect([...impurityImportance({ ...forest, boosting })]).toEqual([0.75, 0, 0, 0.25]);
});

it('a tree without a split has no weight, and trees without any are all zeros', () => {
  const leaf = { ...stump(0, 0, 10), feature: Int32Array.of(-1, -1, -1) };
  expect([...impurityImportance({ ...forest, trees: [leaf, stump(1, 0.1, 10)] })]).toEqual([0, 1, 0, 0]);
  expect([...impurityImportance({ ...forest, trees: [leaf] })]).toEqual([0, 0, 0, 0]);
});

it('whether a value was missing counts for its field', () => {
  expect(importanceByField(Float64Array.of(0.1, 0.2, 0.3, 0.4), 2)).toEqual([0.4, 0.6]);
});
