import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { GaplineError } from '../../wire/errors.ts';
import type { Forest, Tree } from './forest.ts';
import { impurityImportance } from './importance.ts';
import { type ForestJob, growTrees } from './job.ts';
import { type OutOfBag, scoreOutOfBag } from './out-of-bag.ts';
import { prepareJob } from './prepare.ts';
import type { Classification, Regression, TrainingData } from './training-data.ts';

export interface TrainedForest {
  readonly forest: Forest;
  /** One a column, summing to one: how much its splits lower the impurity, weighted by the rows that reach them. */
  readonly importance: Float64Array;
  readonly outOfBag?: OutOfBag;
}

/**
 * Trains a random forest: CART trees on bootstrap samples, columns sampled anew at every split. Missing
 * values are left out of a column's split score; their rows go down one side at random, in proportion to the others.
 *
 * Breiman, L. (2001). Random Forests. Machine Learning 45.
 * Geurts, P., Ernst, D., Wehenkel, L. (2006). Extremely randomized trees. Machine Learning 63.
 *
 * @throws GaplineError `data-invalid` where there are no rows, a value is infinite or a label is no class; `config-invalid` where its trees
 * become more than one file can hold
 */
export async function trainForest(input: Classification | Regression): Promise<TrainedForest> {
  const job = prepareJob(input);
  const { width } = input;
  const trees = await growOnThreads(job, { ...input, outputs: 'targets' in input ? 1 : input.classes });
  const forest: Forest =
    'targets' in input
      ? { task: 'regression', width, outputs: 1, trees }
      : { task: 'classification', width, outputs: input.classes, trees };
  const importance = impurityImportance(forest);
  return input.options?.outOfBag && job.bootstrap
    ? { forest, importance, outOfBag: scoreOutOfBag(forest, job.seed, input) }
    : { forest, importance };
}

/** What a node is worth of a forest's size beside the shares of its classes, and the largest forest: JSON of some 300 MB. */
const nodeSize = 8;
const fileSize = 4e7;

interface Grown {
  readonly number: number;
  readonly tree: Tree;
}

async function growOnThreads(
  job: ForestJob,
  { onProgress, isTimeUp, outputs, mostSize = fileSize }: TrainingData & { readonly outputs: number },
): Promise<Tree[]> {
  const trees: Tree[] = [];
  let finished = 0;
  let size = 0;
  const takeNoMore = () => Atomics.store(job.nextTree, 0, job.trees);
  const keep = ({ number, tree }: Grown) => {
    trees[number] = tree;
    size += tree.feature.length * (nodeSize + outputs);
    finished += 1;
    onProgress?.({ trees: finished, of: job.trees });
  };
  const [, ...others] = job.workspacesAt.map((_, thread) =>
    thread === 0 ? undefined : growInWorker(job, thread, keep),
  );
  const all = Promise.all(others);
  // A worker that fails is heard of at once, also while this thread grows trees.
  all.catch(takeNoMore);
  for (const grown of growTrees(job, 0)) {
    keep(grown);
    // Trees are taken in order: what was grown until then is a forest of its first trees.
    if (isTimeUp?.() || size > mostSize) takeNoMore();
    if (onProgress || others.length > 0) await nextTurn();
  }
  await all;
  if (size > mostSize) failLarge(job, trees, size / mostSize);
  return trees;
}

/** @param times - how often as large as may be the trees are that were grown */
function failLarge(job: ForestJob, grown: readonly Tree[], times: number): never {
  const { trees, columns } = job;
  const leaves = grown.reduce((sum, { feature }) => sum + (feature.length + 1) / 2, 0) / grown.length;
  const rows = Math.ceil((2 * columns.count * times * trees) / grown.length / leaves);
  const remedy = `let a leaf hold more rows (training.minSamplesLeaf=${rows}), grow fewer trees, or grow boosted ones (training.boosted=true)`;
  throw new GaplineError(
    'config-invalid',
    `the forest is too large for one file: the first ${grown.length} of its ${trees} trees fill it; ${remedy}`,
  );
}

function growInWorker(job: ForestJob, thread: number, keep: (grown: Grown) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(new URL('./train-worker.ts', import.meta.url), { workerData: { job, thread } });
  worker.on('message', keep);
  worker.on('error', reject);
  worker.on('exit', (code) => {
    if (code === 0) resolve();
    else reject(new GaplineError('internal', `A thread that grows trees ended with code ${code}.`));
  });
  return promise;
}
