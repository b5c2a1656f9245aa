import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Input, inputSchema, inRequest, partsOf, sizeOf } from '../models/input.ts';
import type { Predictions } from '../models/label.ts';
import type { Predict, Streams } from '../models/served.ts';
import type { Work } from './runner.ts';

/** Labels many rows or windows, a few at a time: with one version, even if another serves before the end. */
export function createPredictingWork(streams: Streams): Work {
  return {
    async run({ stream, request }, { signal, onProgress }) {
      const input = inputSchema.parse(request);
      return await streams.get(stream).predicting(async (predict) => {
        let model: Predictions['model'] | undefined;
        const predictions: Predictions['predictions'] = [];
        for (const { input: part, first } of partsOf(input)) {
          signal.throwIfAborted();
          const labelled = await labelPart(predict, part, first);
          model = labelled.model;
          for (const each of labelled.predictions) predictions.push(each);
          onProgress({
            step: 'predict',
            of: input.rows ? 'rows' : 'windows',
            done: predictions.length,
            all: sizeOf(input),
          });
          await nextTurn();
        }
        return { model, predictions };
      });
    },
  };
}

async function labelPart(predict: Predict, part: Input, first: number): Promise<Predictions> {
  try {
    return await predict(part);
  } catch (error) {
    throw inRequest(error, (at) => first + at);
  }
}
