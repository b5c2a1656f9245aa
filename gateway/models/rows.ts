import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import type { Model } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { rowsOfReadings } from '../../core/model/sequences.ts';
import { Faults, pointerToken } from '../../core/wire/problem.ts';
import { rowsOf } from './label.ts';

/** Numbers in one request, at most. */
export const mostNumbers = 2_000_000;

const value = z.number().nullable();
export const rowsSchema = z
  .array(z.union([z.record(z.string(), value), z.array(value).max(10_000)]))
  .min(1)
  .max(100_000)
  .describe('each row by name, or in the order of the fields; null and what is absent are gaps');
export type RowsInput = z.infer<typeof rowsSchema>;

/**
 * The rows of a model out of those of a request. Where every reading gives a row by itself, the steps of the model make it.
 * @throws {HttpProblem} `request-invalid` where a row has other fields
 */
export function readRows(model: Pick<Model, 'fields'> & { steps?: Model['steps'] }, input: RowsInput): Rows {
  const { fields, steps } = model;
  // What facts add a request has to say itself: it gives the values that the model predicts from.
  if (!steps || steps.chain.facts) return rowsOf(readValues(fields, input), input.length);
  const values = readValues(steps.channels, input);
  return rowsOf(rowsOfReadings(values, input.length, { fields, steps }), input.length);
}

function readValues(fields: readonly string[], input: RowsInput): Float64Array {
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
  return values;
}

function set(values: Float64Array, at: number, value: number | null): void {
  if (value !== null) values[at] = value;
}
