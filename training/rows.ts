import { createHash } from 'node:crypto';
import { type Dataset, truthOf } from '../core/dataset/dataset.ts';
import type { ModelOutput, Session } from '../core/model/model.ts';
import { pickRows, type Rows } from '../core/model/rows.ts';
import { elementAt } from '../core/numeric/element.ts';

/** Rows whose truth is known. */
export interface LabelledRows extends Rows {
  /** Index into the classes; never -1. */
  readonly labels: Int32Array;
}

/** The rows of a data set. Without a device column each row is a device of its own, so that nothing is remembered from one to the next. */
export function rowsWithDevices({ count, width, values, devices, times }: Dataset): Rows {
  return {
    count,
    width,
    values,
    devices: Array.from({ length: count }, (_, row) => devices?.names[elementAt(devices.index, row)] ?? `row ${row}`),
    times: times ?? new BigInt64Array(count),
  };
}

/** The rows of a data set whose truth is among `classes`, with labels by that list. */
export function labelledRows(dataset: Dataset, classes: readonly string[]): LabelledRows {
  const index = new Map(classes.map((name, at) => [name, at]));
  const places = dataset.classes.map((name) => index.get(name) ?? -1);
  const all = dataset.labels.map((label) => places[label] ?? -1);
  const rows = { ...rowsWithDevices(dataset), labels: all };
  const known: number[] = [];
  for (const [row, label] of all.entries()) if (label >= 0) known.push(row);
  return known.length === dataset.count ? rows : pickLabelledRows(rows, known);
}

/** Some of the rows, in the order given. */
export function pickLabelledRows(rows: LabelledRows, chosen: ArrayLike<number>): LabelledRows {
  const picked = Array.from(chosen);
  return { ...pickRows(rows, picked), labels: Int32Array.from(picked, (row) => elementAt(rows.labels, row)) };
}

const chunk = 4_096;

/** Cuts rows into batches, as they would come. The batches share memory with the rows. */
export function* batchesOf(rows: Rows): Generator<Rows & { readonly first: number }> {
  const { width } = rows;
  for (let first = 0; first < rows.count; first += chunk) {
    const end = Math.min(first + chunk, rows.count);
    yield {
      first,
      count: end - first,
      width,
      values: rows.values.subarray(first * width, end * width),
      devices: rows.devices.slice(first, end),
      times: rows.times.subarray(first, end),
    };
  }
}

/** The labels that a session gives rows, batch by batch, remembering each. */
export async function labelRows(session: Session, rows: Rows): Promise<Int32Array> {
  const labels = new Int32Array(rows.count);
  for await (const { first, output } of outputsOf(session, rows)) labels.set(output.labels, first);
  return labels;
}

/** Also the probability of each label; NaN where the model gave none. */
export async function predictLabels(
  session: Session,
  rows: Rows,
  classes: number,
): Promise<{ labels: Int32Array; probabilities: Float64Array }> {
  const labels = new Int32Array(rows.count);
  const probabilities = new Float64Array(rows.count).fill(Number.NaN);
  for await (const { first, output } of outputsOf(session, rows)) {
    labels.set(output.labels, first);
    for (const [row, label] of output.labels.entries())
      if (label >= 0) probabilities[first + row] = elementAt(output.probabilities, row * classes + label);
  }
  return { labels, probabilities };
}

async function* outputsOf(
  session: Session,
  rows: Rows,
): AsyncGenerator<{ readonly first: number; readonly output: ModelOutput }> {
  for (const batch of batchesOf(rows)) {
    const output: ModelOutput = await session.predict(batch);
    yield { first: batch.first, output };
    output.committed?.();
  }
}

/** Identifies a data set by what a model learns from it: fields, values and truths. */
export function hashDataset(dataset: Dataset): string {
  const { fields, values, count } = dataset;
  const hash = createHash('sha256');
  hash.update(`[${JSON.stringify(fields)},[`);
  // Row by row: the text of a large table is longer than a string may be.
  for (let row = 0; row < count; row++)
    hash.update(`${row === 0 ? '' : ','}${JSON.stringify(truthOf(dataset, row) ?? null)}`);
  hash.update(']]');
  hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest('hex');
}
