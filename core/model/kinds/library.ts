import type { LibraryForest } from '../forest/library-json.ts';
import type { Estimator } from './estimator.ts';

export interface LibraryOptions {
  /** What the library's `toJSON()` gave. */
  readonly json: LibraryForest;
  readonly width: number;
  readonly classes: number;
}

/**
 * A forest that `ml-random-forest` itself loads and votes with. Probabilities are shares of votes. The library and `ml-matrix` are
 * loaded when the first such model is.
 */
export async function openLibrary({ json, width, classes }: LibraryOptions): Promise<Estimator> {
  const { RandomForestClassifier } = await import('ml-random-forest');
  const { Matrix } = await import('ml-matrix');
  const forest = RandomForestClassifier.load(json as unknown as Parameters<typeof RandomForestClassifier.load>[0]);
  return {
    predict(values, count) {
      const labels = new Int32Array(count);
      const probabilities = new Float64Array(count * classes);
      if (count === 0) return { labels, probabilities };
      const votes = forest.predictionValues(Matrix.from1DArray(count, width, values));
      for (let row = 0; row < count; row++) {
        const ballot = votes.getRow(row);
        labels[row] = forest.selection(ballot);
        for (const vote of ballot) probabilities[row * classes + vote]! += 1 / ballot.length;
      }
      return { labels, probabilities };
    },
    async close() {},
  };
}
