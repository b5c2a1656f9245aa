import fc from 'fast-check';
import { emptyTree, type Forest, type Tree } from '../forest.ts';

/** Few distinct numbers, so that values often equal thresholds, with the awkward ones among them. */
const numbers = [
  0,
  -0,
  1,
  2,
  3,
  -1,
  0.1,
  0.1 + 2 ** -56,
  Number.MIN_VALUE,
  -Number.MAX_VALUE,
  Number.MAX_VALUE,
  1e-300,
];
const anyNumber = fc.oneof(fc.constantFrom(...numbers), fc.double({ noNaN: true, noDefaultInfinity: true }));

interface Shape {
  readonly task: Forest['task'];
  readonly width: number;
  readonly outputs: number;
}

const anyShape: fc.Arbitrary<Shape> = fc
  .record({
    task: fc.constantFrom('classification' as const, 'regression' as const),
    width: fc.integer({ min: 1, max: 9 }),
    outputs: fc.integer({ min: 1, max: 5 }),
  })
  .map((shape) => (shape.task === 'regression' ? { ...shape, outputs: 1 } : shape));

/** Forests of any shape, single leaves and lopsided trees included. */
export const anyForest: fc.Arbitrary<Forest> = anyShape.chain((shape) =>
  fc.array(anyTree(shape), { minLength: 1, maxLength: 12 }).map((trees) => ({ ...shape, trees })),
);

/** Rows for a forest, row-major, some values of them gaps. */
export function anyRows({ width }: Forest, { gaps }: { gaps: boolean }): fc.Arbitrary<Float64Array> {
  const value = gaps ? fc.oneof({ weight: 4, arbitrary: anyNumber }, fc.constant(Number.NaN)) : anyNumber;
  return fc
    .integer({ min: 0, max: 40 })
    .chain((count) => fc.array(value, { minLength: count * width, maxLength: count * width }))
    .map((values) => Float64Array.from(values));
}

/** A tree made by splitting a leaf again and again. */
function anyTree(shape: Shape): fc.Arbitrary<Tree> {
  const split = fc.record({
    leaf: fc.nat(),
    feature: fc.integer({ min: 0, max: shape.width - 1 }),
    threshold: anyNumber,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  return fc
    .record({ splits: fc.array(split, { maxLength: 30 }), seed: fc.nat() })
    .map(({ splits, seed }) => treeOf(shape, splits, seed));
}

interface Split {
  leaf: number;
  feature: number;
  threshold: number;
  share: number;
}

function treeOf({ task, outputs }: Shape, splits: readonly Split[], seed: number): Tree {
  const nodes = 2 * splits.length + 1;
  const tree = emptyTree(nodes, outputs);
  tree.weight.fill(100);
  const leaves = [0];
  for (const [index, { leaf, feature, threshold, share }] of splits.entries()) {
    const [node] = leaves.splice(leaf % leaves.length, 1) as [number];
    const left = 2 * index + 1;
    tree.feature[node] = feature;
    tree.threshold[node] = threshold;
    tree.left[node] = left;
    tree.right[node] = left + 1;
    tree.weight[left] = tree.weight[node]! * share;
    tree.weight[left + 1] = tree.weight[node]! * (1 - share);
    tree.gain[node] = 0.25;
    leaves.push(left, left + 1);
  }
  for (const leaf of leaves) {
    const weights = Array.from({ length: outputs }, (_, output) => (seed + leaf * (output + 3)) % 4);
    const whole = weights.reduce((a, b) => a + b, 0);
    const value = task === 'regression' ? weights : weights.map((weight) => (whole ? weight / whole : 1 / outputs));
    tree.value.set(value, leaf * outputs);
  }
  return tree;
}
