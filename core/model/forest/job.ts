import type { BinnedColumns } from './bins.ts';
import type { Tree } from './forest.ts';
import { TreeGrower } from './grow.ts';
import { Random } from './random.ts';
import { ClassSplitSearch } from './split-classes.ts';

/** All that a thread needs to grow trees of one forest. Its arrays lie in shared memory. */
export interface ForestJob {
  readonly columns: BinnedColumns;
  readonly labels: Uint16Array;
  readonly classWeights: Float64Array;
  readonly trees: number;
  readonly seed: number;
  readonly maxDepth: number;
  readonly minSamplesLeaf: number;
  readonly maxFeatures: number;
  readonly bootstrap: boolean;
  readonly extraTrees: boolean;
  /** One number: the next tree that nobody has taken. */
  readonly nextTree: Int32Array;
}

/** Takes trees of the job until none is left. Every thread calls it, and each tree is grown by one of them. */
export function* growTrees(job: ForestJob): Generator<{ number: number; tree: Tree }> {
  const { columns, minSamplesLeaf, extraTrees } = job;
  const samples = new Uint32Array(columns.count);
  const search = new ClassSplitSearch({ columns, samples, minSamplesLeaf, extraTrees }, job.labels, job.classWeights);
  const grower = new TreeGrower({ ...job, samples, search });
  for (;;) {
    const number = Atomics.add(job.nextTree, 0, 1);
    if (number >= job.trees) return;
    yield { number, tree: grower.grow(new Random(job.seed, number)) };
  }
}
