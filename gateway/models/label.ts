import { z } from 'zod';
import { labelledRow } from '../../core/model/labelled-row.ts';
import type { Model } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';

export const labelledSchema = z
  .strictObject({
    label: z.string(),
    probability: z.number(),
    probabilities: z.record(z.string(), z.number()),
    gaps: z.int(),
    filled: z.record(z.string(), z.number()).describe('what stands in place of the gaps'),
  })
  .meta({ title: 'Label' });

export const predictionsSchema = z
  .strictObject({
    model: z.strictObject({ name: z.string(), version: z.int() }),
    predictions: z.array(labelledSchema),
  })
  .meta({ title: 'Predictions' });
export type Predictions = z.infer<typeof predictionsSchema>;

/** Labels rows that stand for themselves, without a past. */
export async function label(model: Model, rows: Rows): Promise<Predictions> {
  const output = await model.open().predict(rows);
  const { name, version } = model.identity;
  const predictions = Array.from({ length: rows.count }, (_, row) => labelledRow(model, rows, output, row));
  return { model: { name, version }, predictions };
}

/** Rows of the model's columns, each a device of its own, so that none is filled from another. */
export const rowsOf = (values: Float64Array, count: number): Rows => ({
  ...{ count, width: values.length / count, values, times: new BigInt64Array(count) },
  devices: Array.from({ length: count }, (_, row) => `row ${row}`),
});

/** Labels one row of a table of the model's columns. */
export async function labelRow(model: Model, values: Float64Array): Promise<Predictions['predictions'][number]> {
  const { predictions } = await label(model, rowsOf(values, 1));
  const [prediction] = predictions;
  if (!prediction) throw new Error('a row gave no prediction');
  return prediction;
}
