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
 * @throws GaplineError `data-invalid` where there are no rows, a value is infinite or a label is no class
 */
export async function trainForest(input: Classification | Regression): Promise<TrainedForest> {
  const job = prepareJob(input);
  const trees = await growOnThreads(job, input.onProgress);
  const { width } = input;
  const forest: Forest =
    'targets' in input
      ? { task: 'regression', width, outputs: 1, trees }
      : { task: 'classification', width, outputs: input.classes, trees };
  const importance = impurityImportance(forest);
  return input.options?.outOfBag && job.bootstrap
    ? { forest, importance, outOfBag: scoreOutOfBag(forest, job.seed, input) }
    : { forest, importance };
}

interface Grown {
  readonly number: number;
  readonly tree: Tree;
}

async function growOnThreads(job: ForestJob, onProgress: TrainingData['onProgress']): Promise<Tree[]> {
  const trees = new Array<Tree>(job.trees);
  let finished = 0;
  const keep = ({ number, tree }: Grown) => {
    trees[number] = tree;
    onProgress?.({ trees: ++finished, of: job.trees });
  };
  const [, ...others] = job.workspacesAt.map((_, thread) =>
    thread === 0 ? undefined : growInWorker(job, thread, keep),
  );
  const all = Promise.all(others);
  // A worker that fails is heard of at once, also while this thread grows trees.
  all.catch(() => Atomics.store(job.nextTree, 0, job.trees));
  for (const grown of growTrees(job, 0)) {
    keep(grown);
    if (onProgress || others.length > 0) await nextTurn();
  }
  await all;
  return trees;
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
