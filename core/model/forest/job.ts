import { elementAt } from '../../numeric/element.ts';
import { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import type { BinnedColumns } from './bins.ts';
import type { Tree } from './forest.ts';
import { type GrowOptions, TreeGrower } from './grow.ts';
import { ClassSplitSearch } from './split-classes.ts';
import { ValueSplitSearch } from './split-values.ts';
import { openWorkspace } from './workspace.ts';

/** All that a thread needs to grow trees of one forest. What is large lies in shared memory. */
export interface ForestJob extends GrowOptions {
  readonly columns: BinnedColumns;
  /** In regression, by row what is to be predicted. */
  readonly targets?: Float64Array;
  readonly classWeights: readonly number[];
  readonly trees: number;
  readonly seed: number;
  readonly minSamplesLeaf: number;
  readonly extraTrees: boolean;
  /** One number: the next tree that nobody has taken. */
  readonly nextTree: Int32Array;
  /** Where each thread's own memory begins. */
  readonly workspacesAt: readonly number[];
}

/** Takes trees of the job until none is left. Every thread calls it, and each tree is grown by one of them. */
export function* growTrees(job: ForestJob, thread: number): Generator<{ number: number; tree: Tree }> {
  const work = openWorkspace(job, elementAt(job.workspacesAt, thread));
  const search = job.targets ? new ValueSplitSearch(work, job.targets) : new ClassSplitSearch(work);
  const grower = new TreeGrower(work, search, job);
  for (;;) {
    const number = Atomics.add(job.nextTree, 0, 1);
    if (number >= job.trees) return;
    yield { number, tree: grower.grow(new Xoshiro128PlusPlus(job.seed, number)) };
  }
}
