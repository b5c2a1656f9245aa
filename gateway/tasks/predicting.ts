import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { type Predictions, rowsSchema } from '../models/rows.ts';
import type { Streams } from '../models/served.ts';
import type { Work } from './runner.ts';

const requestSchema = z.strictObject({ rows: rowsSchema });
/** Rows that are labelled before other requests have their turn. */
const batchRows = 250;

/** Labels many rows, a few at a time: with one version, even if another serves before the end. */
export function createPredictingWork(streams: Streams): Work {
  return {
    async run({ stream, request }, { signal, onProgress }) {
      const { rows } = requestSchema.parse(request);
      return await streams.get(stream).predicting(async (predict) => {
        let model: Predictions['model'] | undefined;
        const predictions: Predictions['predictions'] = [];
        for (let first = 0; first < rows.length; first += batchRows) {
          signal.throwIfAborted();
          const batch = await predict(rows.slice(first, first + batchRows));
          model = batch.model;
          predictions.push(...batch.predictions);
          onProgress({ step: 'predict', of: 'rows', done: predictions.length, all: rows.length });
          await nextTurn();
        }
        return { model, predictions };
      });
    },
  };
}
