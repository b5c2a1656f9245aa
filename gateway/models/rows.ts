import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { labelledRow } from '../../core/model/labelled-row.ts';
import type { Model } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { Faults, pointerToken } from '../../core/wire/problem.ts';

/** Numbers in one request, at most. */
const mostNumbers = 2_000_000;

const value = z.number().nullable();
export const rowsSchema = z
  .array(z.union([z.record(z.string(), value), z.array(value).max(10_000)]))
  .min(1)
  .max(100_000)
  .describe('each row by name, or in the order of the fields of the model; null and what is absent are gaps');
export type RowsInput = z.infer<typeof rowsSchema>;

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

/**
 * Labels rows that stand for themselves, without a past.
 * @throws {HttpProblem} `request-invalid` where a row has other fields than the model
 */
export async function predictRows(model: Model, input: RowsInput): Promise<Predictions> {
  return await label(model, readRows(model, input));
}

async function label(model: Model, rows: Rows): Promise<Predictions> {
  const output = await model.open().predict(rows);
  const { name, version } = model.identity;
  const predictions = Array.from({ length: rows.count }, (_, row) => labelledRow(model, rows, output, row));
  return { model: { name, version }, predictions };
}

/** Labels one row of a table of the model's columns. */
export async function predictRow(model: Model, values: Float64Array) {
  const { predictions } = await label(model, { ...single, width: values.length, values });
  const [prediction] = predictions;
  if (!prediction) throw new Error('a row gave no prediction');
  return prediction;
}

const single = { count: 1, devices: ['row 0'], times: new BigInt64Array(1) };

export const takesSamples = (): HttpProblem =>
  new HttpProblem(
    'request-invalid',
    'the model of this stream makes its rows of samples: `gapline serve` takes windows of them',
  );

/** @throws {HttpProblem} `request-invalid` */
export function readRows(
  { fields, steps }: Pick<Model, 'fields'> & { steps?: Model['steps'] },
  input: RowsInput,
): Rows {
  if (steps) throw takesSamples();
  const width = fields.length;
  if (input.length * width > mostNumbers)
    throw new HttpProblem('body-too-large', `expected at most ${Math.floor(mostNumbers / width)} rows of ${width}`);
  const columns = new Map(fields.map((name, column) => [name, column]));
  const values = new Float64Array(input.length * width).fill(Number.NaN);
  const faults = new Faults(20);
  for (const [at, row] of input.entries()) {
    if (faults.hopeless) break;
    if (Array.isArray(row)) {
      if (row.length === width) for (const [column, each] of row.entries()) set(values, at * width + column, each);
      else faults.add(`/rows/${at}`, 'range', `${row.length} values; the model has ${width} fields`);
      continue;
    }
    for (const [name, each] of Object.entries(row)) {
      const column = columns.get(name);
      if (column !== undefined) set(values, at * width + column, each);
      else faults.add(`/rows/${at}/${pointerToken(name)}`, 'unknown', 'no field of the model');
    }
  }
  if (faults.count > 0) throw new HttpProblem('request-invalid', faults.summary(), { errors: faults.list });
  const devices = input.map((_, row) => `row ${row}`);
  return { count: input.length, width, values, devices, times: new BigInt64Array(input.length) };
}

function set(values: Float64Array, at: number, value: number | null): void {
  if (value !== null) values[at] = value;
}
