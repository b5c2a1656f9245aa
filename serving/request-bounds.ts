import type { Model } from '../core/model/model.ts';
import { BadRequest } from './protocol-error.ts';

/** Rows in one request, at most. */
export const maxRows = 10_000;

/** Numbers and labels in one request, and again in its response, at most. At 8 bytes each and some 20 as text this is 100 MB. */
export const maxElements = 4_000_000;

/** Outputs that a request may name. There are five; a client that names one twice gets it once. */
const maxOutputs = 16;
/** Sizes in the shape of a tensor. */
const maxDimensions = 8;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * Counts what the schema would otherwise look at one by one: a list of a million wrong entries makes a million complaints.
 * @throws {BadRequest}
 */
export function boundLists(body: unknown, fields: readonly string[]): void {
  if (!isObject(body)) return;
  const { inputs, outputs } = body;
  bound('outputs', outputs, maxOutputs);
  bound('inputs', inputs, Math.max(1, fields.length));
  if (!Array.isArray(inputs)) return;
  for (const [at, input] of inputs.entries())
    if (isObject(input)) bound(`inputs.${at}.shape`, input.shape, maxDimensions);
}

function bound(name: string, list: unknown, most: number): void {
  if (Array.isArray(list) && list.length > most)
    throw new BadRequest(`${name}: ${list.length} entries; expected at most ${most}`);
}

/**
 * Bounds what is allocated for a request before it is: a small body can name many rows of a wide model.
 * @throws {BadRequest}
 */
export function boundElements(count: number, { fields, classes }: Pick<Model, 'fields' | 'classes'>): void {
  const perRow = Math.max(fields.length, classes.length);
  const most = Math.max(1, Math.floor(maxElements / perRow));
  if (count > most)
    throw new BadRequest(
      `${count} rows of ${fields.length} fields and ${classes.length} classes; expected at most ${most} rows`,
    );
}

/** As {@link boundElements}, for what the response holds. */
export function boundResponse(count: number, perRow: number): void {
  const most = Math.max(1, Math.floor(maxElements / perRow));
  if (count > most)
    throw new BadRequest(
      `the outputs of ${count} rows have ${count * perRow} elements; expected at most ${maxElements}: send ${most} rows at once, or name fewer outputs`,
    );
}
