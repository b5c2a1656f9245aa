import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { csvCell } from '../../core/dataset/csv-writer.ts';
import { type Dataset, truthOf } from '../../core/dataset/dataset.ts';
import { describeDataset } from '../../core/dataset/describe.ts';
import { readDataset } from '../../core/dataset/read.ts';
import { openTable } from '../../core/dataset/table.ts';
import { type LabelledRow, labelledRow } from '../../core/model/labelled-row.ts';
import { type Model, type ModelOutput, readingFields } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { formatRfc3339 } from '../../core/wire/time.ts';
import { prepareDataset } from '../../training/prepare.ts';
import { batchesOf, rowsWithDevices } from '../../training/rows.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { complain, writeLines } from '../print.ts';
import { openModels, versionOf, withFacts } from '../stream.ts';

export interface PredictOptions {
  readonly config: string;
  readonly set: readonly string[];
  /** Number or alias of the version; default: the one that serves. */
  readonly model?: string;
  readonly json?: boolean;
  readonly output?: string;
}

/** Labels the rows of tables in this process, as the line would label them as readings. No server and no log takes part. */
export async function predictTable(files: readonly string[], options: PredictOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const model = await loadModel(loaded, options.model);
  try {
    const dataset = await openRows(loaded, model, files);
    const out = options.output === undefined ? process.stdout : createWriteStream(resolve(options.output));
    const failure = out === process.stdout ? undefined : failureOf(out);
    await Promise.race([write(model, dataset, { out, json: options.json ?? false }), ...(failure ? [failure] : [])]);
  } finally {
    await model.close();
  }
}

const failureOf = (out: Writable): Promise<never> => new Promise((_, reject) => out.once('error', reject));

async function loadModel(loaded: LoadedConfig, named = loaded.config.model.alias): Promise<Model> {
  const registry = openModels(loaded);
  return await registry.load(await versionOf(registry, named));
}

/**
 * The table with the values that the model takes. Columns of truth, device and time are used where the table has them; so are those of
 * the long form: the same configuration takes a wide table too.
 */
async function openRows(loaded: LoadedConfig, model: Model, files: readonly string[]): Promise<Dataset> {
  const { train: _train, replay: _replay, facts: _facts, ...given } = loaded.config.data;
  const { truth, device, time, clock, parameter, value, ...data } = given;
  const file = files.map((each) => resolve(each));
  const { columns } = await openTable(file);
  const ifThere = (name: string | undefined) => (name !== undefined && isColumn(columns, name) ? name : undefined);
  const long = { parameter: ifThere(parameter), value: ifThere(value) };
  const dataset = await readDataset({
    ...data,
    file,
    truth: ifThere(truth),
    device: ifThere(device),
    time: ifThere(time),
    clock: ifThere(clock),
    ...(isLong(long) && { long }),
    fields: readingFields(model),
  });
  for (const line of describeDataset(dataset)) complain(`${line}\n`);
  return model.steps ? prepareDataset(withFacts(loaded, dataset), model.steps) : dataset;
}

/** By its name, or by its place from 1 on. */
const isColumn = (columns: readonly string[], name: string): boolean =>
  columns.includes(name) || (/^\d{1,6}$/.test(name) && Number(name) >= 1 && Number(name) <= columns.length);

interface LongColumns {
  readonly parameter: string;
  readonly value: string;
}

const isLong = (columns: { readonly [name in keyof LongColumns]: string | undefined }): columns is LongColumns =>
  columns.parameter !== undefined && columns.value !== undefined;

interface Destination {
  readonly out: Writable;
  readonly json: boolean;
}

async function write(model: Model, dataset: Dataset, { out, json }: Destination): Promise<void> {
  const rows = rowsWithDevices(dataset);
  const gappy = json || model.series ? [] : columnsWithGaps(rows);
  const tally = new Tally();
  if (!json) await writeLines([header(model, dataset, gappy)], out);
  const session = model.open();
  for (const batch of batchesOf(rows)) {
    const output = await session.predict(batch);
    const lines: string[] = [];
    for (let row = 0; row < batch.count; row++) {
      const labelled = tableRow({ model, dataset, batch, output, row });
      tally.add(labelled);
      lines.push(json ? JSON.stringify(labelled) : csvOf(labelled, model, dataset, gappy));
    }
    output.committed?.();
    if (!(await writeLines(lines, out))) return;
  }
  if (out !== process.stdout) await new Promise<void>((done) => void out.end(done));
  complain(`${tally.describe()}\n`);
}

interface TableRow extends LabelledRow {
  /** From 1, without the header; of windows their number. */
  readonly row: number;
  readonly device?: string;
  readonly time?: string;
  readonly truth?: string;
}

interface RowOfBatch {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly batch: Rows & { readonly first: number };
  readonly output: ModelOutput;
  readonly row: number;
}

function tableRow({ model, dataset, batch, output, row }: RowOfBatch): TableRow {
  const truth = truthOf(dataset, batch.first + row);
  return {
    row: batch.first + row + 1,
    ...(dataset.devices && { device: elementAt(batch.devices, row) }),
    ...(dataset.times && { time: formatRfc3339(elementAt(batch.times, row).toString()) }),
    ...labelledRow(model, batch, output, row),
    ...(truth !== undefined && { truth }),
  };
}

/** The fields of which some row has no value: only these have a column of filled values. */
function columnsWithGaps({ values, width, count }: Rows): number[] {
  const columns: number[] = [];
  for (let column = 0; column < width; column++) {
    let row = 0;
    while (row < count && !Number.isNaN(elementAt(values, row * width + column))) row += 1;
    if (row < count) columns.push(column);
  }
  return columns;
}

function header({ classes, fields }: Model, dataset: Dataset, gappy: readonly number[]): string {
  const names = [
    'row',
    ...(dataset.devices ? ['device'] : []),
    ...(dataset.times ? ['time'] : []),
    'label',
    'probability',
    ...classes.map((name) => `probability ${name}`),
    'gaps',
    ...(dataset.classes.length > 0 ? ['truth'] : []),
    ...gappy.map((column) => `filled ${elementAt(fields, column)}`),
  ];
  return names.map(csvCell).join(',');
}

function csvOf(labelled: TableRow, { classes, fields }: Model, dataset: Dataset, gappy: readonly number[]): string {
  const { row, device, time, label, probability, probabilities, gaps, filled, truth } = labelled;
  const cells = [
    row,
    ...(dataset.devices ? [device] : []),
    ...(dataset.times ? [time] : []),
    label,
    probability,
    ...classes.map((name) => probabilities[name]),
    gaps,
    ...(dataset.classes.length > 0 ? [truth] : []),
    ...gappy.map((column) => filled[elementAt(fields, column)]),
  ];
  return cells.map((cell) => csvCell(cell === undefined ? '' : String(cell))).join(',');
}

/** What a person wants to know of the whole. */
class Tally {
  #rows = 0;
  #gaps = 0;
  #known = 0;
  #right = 0;
  readonly #byLabel = new Map<string, number>();

  add({ label, gaps, truth }: TableRow): void {
    this.#rows += 1;
    this.#gaps += gaps;
    this.#byLabel.set(label, (this.#byLabel.get(label) ?? 0) + 1);
    if (truth === undefined) return;
    this.#known += 1;
    if (truth === label) this.#right += 1;
  }

  describe(): string {
    const byLabel = [...this.#byLabel].map(([label, count]) => `${label} ${count}`).join(', ');
    const accuracy =
      this.#known === 0 ? '' : `; accuracy ${(this.#right / this.#known).toFixed(3)} on ${this.#known} with a truth`;
    return `${this.#rows} rows with ${this.#gaps} gaps: ${byLabel}${accuracy}`;
  }
}
