import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { floats } from './cell-readers.ts';
import type { Dataset } from './dataset.ts';
import { cellText, placeOf } from './records.ts';
import { placeOfColumn, type Table } from './table.ts';

/** More different parameters are no columns of a model. */
const mostParameters = 5_000;

/** Where a table in long form has the names of its values. */
export interface LongOptions {
  /** Column of the names. */
  readonly parameter: string;
  /** Column of the values: the only field of the data set that is read. */
  readonly value: string;
  /** The names to take, in this order; rows of others are left out. Default: all, sorted. */
  readonly fields?: readonly string[] | undefined;
}

/**
 * Turns rows of one value each into rows with a column a parameter, one of which is measured. They are not put together by time: that is
 * for the step `pivot`, so that a table gives what the line gives of the same records.
 * @param dataset - read from the same table, with the column of values as its only field
 * @throws {GaplineError} `data-invalid` where a row names no parameter, or there is no row left
 */
export async function widen(table: Table, dataset: Dataset, options: LongOptions): Promise<Dataset> {
  const names = await parametersOf(table, options);
  const found = new Set(names);
  const fields = options.fields ?? [...found].sort();
  if (fields.length > mostParameters)
    throw new GaplineError(
      'data-invalid',
      `${table.name}: column "${options.parameter}" names ${fields.length} values`,
    );
  const column = new Map(fields.map((name, at) => [name, at]));
  const kept = Int32Array.from(names.keys()).filter((row) => column.has(elementAt(names, row)));
  if (kept.length === 0)
    throw new GaplineError(
      'data-invalid',
      `${table.name}: no row names one of ${shorten(fields.join(', '), 200)} in column "${options.parameter}"`,
    );
  const unnamed = fields.filter((name) => !found.has(name));
  const width = fields.length;
  const values = floats(table.name, kept.length * width).fill(Number.NaN);
  for (const [to, row] of kept.entries())
    values[to * width + (column.get(elementAt(names, row)) ?? 0)] = elementAt(dataset.values, row);
  const { devices, times, segments } = dataset;
  const picked = <T extends Int32Array | BigInt64Array | Uint8Array>(all: T): T =>
    kept.length === dataset.count
      ? all
      : (all.filter((_: number | bigint, row: number) => column.has(elementAt(names, row))) as T);
  return {
    ...dataset,
    ...{ fields, width, count: kept.length, values, labels: picked(dataset.labels) },
    ...(devices && { devices: { names: devices.names, index: picked(devices.index) } }),
    ...(times && { times: picked(times) }),
    ...(segments && { segments: picked(segments) }),
    notes: [
      ...dataset.notes,
      `long form: ${fields.length} parameters in ${kept.length} rows`,
      ...(unnamed.length > 0 ? [`no row names ${shorten(unnamed.join(', '), 200)}: nothing but gaps`] : []),
    ],
  };
}

/** By row. */
async function parametersOf(table: Table, { parameter }: LongOptions): Promise<string[]> {
  const at = placeOfColumn(table.columns, parameter, table.name);
  const names: string[] = [];
  const kept = new Map<string, string>();
  await table.read((record) => {
    const text = cellText(record, at);
    if (text === '')
      throw new GaplineError('data-invalid', `${placeOf(record)}: column "${shorten(parameter)}" names no parameter`);
    const known = kept.get(text);
    if (known === undefined) kept.set(text, text);
    names.push(known ?? text);
  });
  return names;
}
