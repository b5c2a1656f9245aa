import { parentPort, workerData } from 'node:worker_threads';
import { type ForestJob, growTrees } from './job.ts';

for (const grown of growTrees(workerData as ForestJob)) {
  const { tree } = grown;
  const arrays = [tree.feature, tree.threshold, tree.left, tree.right, tree.weight, tree.gain, tree.value];
  parentPort!.postMessage(
    grown,
    arrays.map((array) => array.buffer as ArrayBuffer),
  );
}
