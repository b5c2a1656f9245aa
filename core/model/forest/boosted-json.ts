import { z } from 'zod';
import { elementAt } from '../../numeric/element.ts';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import type { Forest, Tree } from './forest.ts';

/** By which a file of boosted trees is known. */
export const boostedName = 'GaplineBoostedTrees';

const numbers = z.array(z.number());
const integers = z.array(z.int().min(-1));

/** A tree as arrays, one entry a node, the root first and children after their parents; see {@link Tree}. */
export const treeSchema = z.strictObject({
  output: z.int().min(0).describe('the class to whose sum the leaves are added'),
  feature: integers.min(1).describe('column that is tested, -1 at a leaf'),
  threshold: numbers.describe('below it a row goes left'),
  left: integers,
  right: integers,
  gapsLeft: z.array(z.int().min(0).max(1)).describe('1 where a gap goes left'),
  value: numbers.describe('what a leaf adds'),
  weight: numbers.describe('training rows that reached the node'),
  gain: numbers.describe('how much the split lowered the loss, by row'),
});

const boostedSchema = z.strictObject({
  name: z.literal(boostedName),
  base: numbers.min(2).describe('by class: where the sum begins; softmax turns sums into probabilities'),
  trees: z.array(treeSchema).min(1),
});

/** Boosted trees as they are kept in a model's artifact. */
export type BoostedFile = z.infer<typeof boostedSchema>;

export function writeBoosted({ trees, outputs, boosting }: Forest): BoostedFile {
  if (boosting?.link !== 'softmax') throw new GaplineError('internal', 'only boosted classifiers have such a file');
  return { name: boostedName, base: [...boosting.base], trees: trees.map((tree) => writeTree(tree, outputs)) };
}

export function writeTree(tree: Tree, outputs: number): BoostedFile['trees'][number] {
  const output = Math.max(0, tree.value.findIndex((value) => value !== 0) % outputs);
  return {
    output,
    feature: [...tree.feature],
    threshold: [...tree.threshold],
    left: [...tree.left],
    right: [...tree.right],
    gapsLeft: [...(tree.gapsLeft ?? new Uint8Array(tree.feature.length))],
    value: Array.from(tree.feature, (_, node) => elementAt(tree.value, node * outputs + output) + 0),
    weight: [...tree.weight],
    gain: Array.from(tree.gain, (gain) => Number(gain.toPrecision(6))),
  };
}

/**
 * Reads what `writeBoosted` wrote.
 * @throws GaplineError `model-invalid`, naming the tree and what is wrong with it
 */
export function readBoosted(json: unknown, { width, classes }: { width: number; classes: number }): Forest {
  const { data: file, error } = validate(boostedSchema, json);
  if (!file) throw invalid(firstIssue(error));
  if (file.base.length !== classes) throw invalid(`it has ${file.base.length} classes but ${classes} are expected`);
  return {
    task: 'classification',
    width,
    outputs: classes,
    trees: file.trees.map((tree, number) => readTree(tree, number, { width, classes })),
    boosting: { base: Float64Array.from(file.base), link: 'softmax' },
  };
}

/** @throws GaplineError `model-invalid`, naming the tree by its number */
export function readTree(
  tree: BoostedFile['trees'][number],
  number: number,
  { width, classes }: { width: number; classes: number },
): Tree {
  const { feature, left, right, output } = tree;
  const size = feature.length;
  const fail = (why: string): never => {
    throw invalid(`tree ${number}: ${why}`);
  };
  for (const [key, array] of Object.entries(tree))
    if (Array.isArray(array) && array.length !== size) fail(`${key} has ${array.length} entries for ${size} nodes`);
  if (output >= classes) fail(`it is for class ${output} of ${classes}`);
  for (const [node, tested] of feature.entries()) {
    if (tested < 0) continue;
    if (tested >= width) fail(`it tests column ${tested} but rows have ${width} columns`);
    for (const child of [elementAt(left, node), elementAt(right, node)])
      if (child <= node || child >= size) fail(`node ${node} has the child ${child}`);
  }
  const value = new Float64Array(size * classes);
  for (const [node, added] of tree.value.entries()) value[node * classes + output] = added;
  return {
    feature: Int32Array.from(feature),
    threshold: Float64Array.from(tree.threshold),
    left: Int32Array.from(left),
    right: Int32Array.from(right),
    value,
    weight: Float64Array.from(tree.weight),
    gain: Float64Array.from(tree.gain),
    gapsLeft: Uint8Array.from(tree.gapsLeft),
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of boosted trees cannot be used: ${why}.`);
}
