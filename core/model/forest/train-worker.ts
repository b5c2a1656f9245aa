import { parentPort, workerData } from 'node:worker_threads';
import { type ForestJob, growTrees } from './job.ts';

if (!parentPort) throw new Error('this file runs in a worker thread only');
const { job, thread } = workerData as { job: ForestJob; thread: number };
for (const grown of growTrees(job, thread)) {
  const { feature, threshold, left, right, weight, gain, value } = grown.tree;
  const buffers = [feature, threshold, left, right, weight, gain, value].map((array) => array.buffer as ArrayBuffer);
  parentPort.postMessage(grown, buffers);
}
