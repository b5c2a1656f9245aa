import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import type { Model } from '../../core/model/model.ts';
import { nameSchema, type Operation, operation, wholeNumber } from '../http/operation.ts';
import type { TestRows } from '../stream.ts';
import { labelledSchema, labelRow } from './label.ts';
import type { ServedStream, Streams } from './served.ts';

const sampleSchema = z.strictObject({
  row: z.int().describe('of the test data, from 0; where the model has steps, of the rows that they make of it'),
  values: z.record(z.string(), z.number().nullable()),
  truth: z.string().nullable(),
  model: z.strictObject({ name: z.string(), version: z.int() }),
  prediction: labelledSchema,
});
const needs = { resource: 'samples', permission: 'predict' } as const;

/** Shows a row of the test data, with its truth and its label. */
export const sampleOperation = ({ streams }: { readonly streams: Streams }): Operation => {
  const rowsFor = rememberRows();
  return operation({
    ...{ method: 'get', path: '/predict/sample', summary: 'A row of the test data, and its label', tag: 'models' },
    ...{ needs, limit: 'sample' },
    query: z.strictObject({
      stream: nameSchema.optional().describe('may be left out where the gateway has one stream'),
      row: wholeNumber(0, 999_999_999).optional().describe('default: one at random'),
    }),
    replies: { 200: { description: 'the row, its truth and its label', schema: sampleSchema } },
    problems: ['not-found', 'registry-unavailable', 'registry-refused'],
    async handle({ query, demand }) {
      const stream = streams.nameOf(query.stream);
      demand({ ...needs, stream });
      const served = streams.get(stream);
      const body = await served.use(async (model) => showRow(model, await rowsFor(served, model), query.row));
      return { status: 200, body };
    },
  });
};

/** The test data as each version takes it, read once. */
function rememberRows(): (served: ServedStream, model: Model) => Promise<TestRows> {
  const known = new WeakMap<Model, Promise<TestRows>>();
  return (served, model) => {
    const rows = known.get(model) ?? served.stream.testRows(model);
    known.set(model, rows);
    rows.catch(() => known.delete(model));
    return rows;
  };
}

async function showRow(
  model: Model,
  { count, width, values, classes, labels }: TestRows,
  wanted: number | undefined,
): Promise<z.infer<typeof sampleSchema>> {
  const row = wanted ?? Math.floor(Math.random() * count);
  if (row >= count) throw new HttpProblem('not-found', `the test data has ${count} rows`);
  const picked = values.slice(row * width, (row + 1) * width);
  const named = model.fields.map((name, column) => [name, numberOrNull(picked[column])] as const);
  const { name, version } = model.identity;
  const truth = classes[labels[row] ?? -1] ?? null;
  const prediction = await labelRow(model, picked);
  return { row, values: Object.fromEntries(named), truth, model: { name, version }, prediction };
}

const numberOrNull = (value = Number.NaN): number | null => (Number.isNaN(value) ? null : value);
