import { parentPort, workerData } from 'node:worker_threads';
import { Matrix } from 'ml-matrix';
import { RandomForestClassifier } from 'ml-random-forest';

/** What `ml-random-forest` is to learn from. Each tree gets the square root of the columns; the rest stands at its defaults. */
export interface LibraryJob {
  readonly values: Float64Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly width: number;
  readonly trees: number;
  readonly seed: number;
}

// The library trains in one go and takes minutes: in a thread of its own, so that this process still hears its signals.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const { values, labels, count, width, trees, seed } = workerData as LibraryJob;
const maxFeatures = Math.max(1, Math.floor(Math.sqrt(width)));
const forest = new RandomForestClassifier({ nEstimators: trees, seed, maxFeatures, replacement: false, noOOB: true });
const rows = Matrix.from1DArray(count, width, values).to2DArray();
forest.train(rows, [...labels]);
parentPort.postMessage(JSON.parse(JSON.stringify(forest)));
