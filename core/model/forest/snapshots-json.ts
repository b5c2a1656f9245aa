import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';
import { readTree, treeSchema, writeTree } from './boosted-json.ts';
import type { Snapshots } from './snapshots.ts';

const snapshotsSchema = z.strictObject({
  name: z.literal('GaplineSnapshots'),
  base: z
    .array(z.number())
    .min(2)
    .describe('by class: where the sum of each model begins; softmax turns sums into probabilities'),
  keep: z.number().min(0).max(1).describe('the share of its sum that a model hands on to the next one'),
  cycles: z
    .array(z.array(treeSchema).min(1))
    .min(1)
    .max(20)
    .describe('by model: the trees that it adds to that share, as those of boosted.json.gz'),
});

/** A snapshot ensemble as it is kept in a model's artifact. */
export type SnapshotsFile = z.infer<typeof snapshotsSchema>;

export const writeSnapshots = ({ base, keep, cycles }: Snapshots): SnapshotsFile => ({
  name: 'GaplineSnapshots',
  base: [...base],
  keep,
  cycles: cycles.map((trees) => trees.map((tree) => writeTree(tree, base.length))),
});

/**
 * Reads what `writeSnapshots` wrote.
 * @throws GaplineError `model-invalid`, naming the tree, counted over all cycles, and what is wrong with it
 */
export function readSnapshots(json: unknown, shape: { width: number; classes: number }): Snapshots {
  const { data: file, error } = validate(snapshotsSchema, json);
  if (!file) throw invalid(firstIssue(error));
  if (file.base.length !== shape.classes)
    throw invalid(`it has ${file.base.length} classes but ${shape.classes} are expected`);
  let number = 0;
  return {
    width: shape.width,
    base: Float64Array.from(file.base),
    keep: file.keep,
    cycles: file.cycles.map((trees) => trees.map((tree) => readTree(tree, number++, shape))),
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('model-invalid', `The file of the snapshot ensemble cannot be used: ${why}.`);
}
