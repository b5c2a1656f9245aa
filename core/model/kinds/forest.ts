import type { Forest, Voting } from '../forest/forest.ts';
import { compile } from '../forest/layout.ts';
import { predict } from '../forest/predict.ts';
import type { Estimator } from './estimator.ts';

/** A forest of ours, compiled to flat typed arrays. */
export function openForest(forest: Forest, voting: Voting): Estimator {
  const compiled = compile(forest, { voting });
  return {
    predict(values, count) {
      const estimates = {
        labels: new Int32Array(count),
        probabilities: new Float64Array(count * forest.outputs),
      };
      predict(compiled, values, count, estimates);
      return estimates;
    },
    async close() {},
  };
}
