import { boostedName, readBoosted } from './boosted-json.ts';
import type { Forest } from './forest.ts';
import { readLibraryForest } from './library-json.ts';

/**
 * Reads trees as an artifact keeps them: boosted ones, or what `ml-random-forest` writes.
 * @throws GaplineError `model-invalid`, naming what is wrong
 */
export function readForestFile(json: unknown, shape: { width: number; classes: number }): Forest {
  const boosted = (json as { name?: unknown } | null)?.name === boostedName;
  return boosted ? readBoosted(json, shape) : readLibraryForest(json, shape);
}
