import { parentPort, workerData } from 'node:worker_threads';
import { Matrix } from 'ml-matrix';
import { RandomForestClassifier } from 'ml-random-forest';
import type { LibraryJob } from './library.ts';

// The library trains in one go and takes minutes: in a thread of its own, so that this process still hears its signals.
const { values, labels, count, width, trees, seed } = workerData as LibraryJob;
const maxFeatures = Math.max(1, Math.floor(Math.sqrt(width)));
const forest = new RandomForestClassifier({ nEstimators: trees, seed, maxFeatures, replacement: false, noOOB: true });
const rows = Matrix.from1DArray(count, width, values).to2DArray();
forest.train(rows, [...labels]);
parentPort!.postMessage(JSON.parse(JSON.stringify(forest)));
