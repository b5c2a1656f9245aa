import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { Model } from '../../core/model/model.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { score } from '../../training/metrics.ts';
import type { GatewayStream, TestRows } from '../stream.ts';
import { rowsOf } from './label.ts';

export const checkedSchema = z
  .strictObject({
    accuracy: z.number(),
    f1: z.number(),
    rows: z.int().describe('rows of the test data: the same for every version'),
  })
  .meta({ title: 'Checked' });
export type Checked = z.infer<typeof checkedSchema>;

/** Of a larger table an even sample is labelled: a request waits for it. */
const mostRows = 2_000;
/** Rows that are labelled before other requests have their turn. */
const batchRows = 250;

/**
 * How right a version is on the test data now, whatever figures it carries. A row whose truth is no class of the version counts as wrong:
 * so all versions are measured on the same rows.
 */
export async function recheck({ models, testRows }: GatewayStream, version: number): Promise<Checked> {
  const model = await models.load(version);
  try {
    return await check(model, await testRows(model));
  } finally {
    await model.close();
  }
}

async function check(model: Model, { width, values, classes, labels }: TestRows): Promise<Checked> {
  const names = [...new Set([...classes, ...model.classes])];
  const places = new Map(names.map((name, at) => [name, at]));
  const chosen = sampleOf(labels);
  const truths = Int32Array.from(chosen, (row) => placeOf(places, classes[elementAt(labels, row)]));
  const given = new Int32Array(chosen.length);
  for (let first = 0; first < chosen.length; first += batchRows) {
    const part = chosen.slice(first, first + batchRows);
    const rows = new Float64Array(part.length * width);
    for (const [to, row] of part.entries()) rows.set(values.subarray(row * width, (row + 1) * width), to * width);
    const output = await model.open().predict(rowsOf(rows, part.length));
    for (const [at, label] of output.labels.entries()) given[first + at] = placeOf(places, model.classes[label]);
    await nextTurn();
  }
  const { accuracy, f1, rows } = score(truths, given, names.length);
  return { accuracy, f1, rows };
}

const placeOf = (places: ReadonlyMap<string, number>, name: string | undefined): number =>
  name === undefined ? -1 : (places.get(name) ?? -1);

/** Rows with a truth, evenly out of all. */
function sampleOf(labels: Int32Array): number[] {
  const known = Array.from(labels.keys()).filter((row) => elementAt(labels, row) >= 0);
  if (known.length <= mostRows) return known;
  return Array.from({ length: mostRows }, (_, at) => elementAt(known, Math.floor((at * known.length) / mostRows)));
}
