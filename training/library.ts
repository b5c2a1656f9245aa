import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LibraryForest } from '../core/model/forest/library-json.ts';
import type { LibraryJob } from './library-worker.ts';

/** Trains a forest with `ml-random-forest` itself, which knows no progress. Minutes where ours takes less than a second. */
export async function trainWithLibrary(job: LibraryJob): Promise<LibraryForest> {
  const worker = new Worker(new URL('./library-worker.ts', import.meta.url), { workerData: job });
  try {
    const [forest] = await once(worker, 'message');
    return forest as LibraryForest;
  } finally {
    await worker.terminate();
  }
}
