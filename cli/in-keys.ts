import type { Dataset } from '../core/dataset/dataset.ts';
import { GaplineError } from '../core/wire/errors.ts';

/** What is said of a table names options of `gapline new`. Where a configuration tells how to read it, its keys do the same. */
export const inKeys = (text: string): string =>
  text.replaceAll(/(?<![\w-])--(keep|drop|gap|decimal|time|device)(?= )/g, 'data.$1');

/** Reads a table, and names the keys in all that is said of it. */
export async function readInKeys(read: Promise<Dataset>): Promise<Dataset> {
  try {
    const dataset = await read;
    return {
      ...dataset,
      columns: dataset.columns.map((column) => ({ ...column, reason: inKeys(column.reason) })),
      notes: dataset.notes.map(inKeys),
    };
  } catch (error) {
    if (!(error instanceof GaplineError) || error.code !== 'data-invalid') throw error;
    const { message, cause } = error;
    throw new GaplineError('data-invalid', inKeys(message), cause === undefined ? {} : { cause });
  }
}
