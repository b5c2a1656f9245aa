import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { explainTime, readTime } from '../wire/time.ts';
import { parseCell } from './cell.ts';
import { eachRecord, readCsvText } from './table.ts';

export interface DatasetOptions {
  readonly file: string;
  /** The column of the true label. Without it the rows have no truth. */
  readonly truth?: string;
  /** The column that names the device. */
  readonly device?: string;
  /** The column of the time of measuring: RFC 3339, or nanoseconds since the epoch. */
  readonly time?: string;
  /** The value columns, in this order. Default: every numeric column that is none of the above, in the file's order. */
  readonly fields?: readonly string[];
}

/** Rows to train or to replay, with gaps. */
export interface Dataset {
  /** Where the rows came from, for messages. */
  readonly file: string;
  readonly fields: readonly string[];
  readonly count: number;
  /** `fields.length`. */
  readonly width: number;
  /** Row-major, `count * width`; NaN is a gap. */
  readonly values: Float64Array;
  /** The distinct truths, sorted by code unit. Empty without a truth column. */
  readonly classes: readonly string[];
  /** Index into `classes` by row; -1 where the truth's cell is empty or there is no such column. */
  readonly labels: Int32Array;
  /** The truth by row as it stands in the file; undefined where its cell is empty. */
  readonly truths: readonly (string | undefined)[];
  /** By row, where there is such a column. */
  readonly devices?: readonly string[];
  /** By row, nanoseconds since the epoch as decimal strings, where there is such a column. */
  readonly times?: readonly string[];
  /** Columns that were left out because they hold text or have no name. */
  readonly ignored: readonly string[];
}

/** One column of numbers as it grows. */
interface ValueColumn {
  readonly name: string;
  readonly index: number;
  readonly values: number[];
  numbers: number;
  /** Cells that are neither a number nor a gap: how many, and the first. */
  bad: number;
  firstBad?: { readonly cell: string; readonly line: number };
}

/**
 * Reads a CSV as a data set. A column whose cells are mostly text is left out, unless `fields` asks for it.
 * @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there.
 */
export async function readDataset(options: DatasetOptions): Promise<Dataset> {
  const source = await readCsvText(options.file);
  const { file } = source;
  let columns: ValueColumn[] = [];
  let roles: Roles = { truth: -1, device: -1, time: -1 };
  const truths: (string | undefined)[] = [];
  const devices: string[] = [];
  const times: string[] = [];
  let unnamed: string[] = [];
  eachRecord(source, {
    header(names) {
      roles = findRoles(options, names);
      columns = valueColumns(options, names, roles);
      unnamed = names.flatMap((name, index) => (name === '' ? [`column ${index + 1}`] : []));
    },
    record(cells, line) {
      const truth = roles.truth < 0 ? '' : cells[roles.truth]!;
      truths.push(truth === '' ? undefined : truth);
      if (roles.device >= 0) devices.push(required(cells[roles.device]!, options.device!, file, line));
      if (roles.time >= 0) times.push(timeOf(cells[roles.time]!, options.time!, file, line));
      for (const column of columns) takeCell(column, cells[column.index]!, line);
    },
  });
  const { kept, ignored } = chooseColumns(columns, options.fields !== undefined, file);
  const { classes, labels } = encodeTruths(truths);
  return {
    file,
    fields: kept.map(({ name }) => name),
    count: truths.length,
    width: kept.length,
    values: rowMajor(kept, truths.length),
    classes,
    labels,
    truths,
    ...(roles.device >= 0 && { devices }),
    ...(roles.time >= 0 && { times }),
    ignored: [...unnamed, ...ignored],
  };
}

interface Roles {
  readonly truth: number;
  readonly device: number;
  readonly time: number;
}

function findColumn(names: readonly string[], name: string, file: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const alike = names.find((candidate) => candidate.trim().toLowerCase() === name.trim().toLowerCase());
  const hint =
    alike === undefined ? `its columns are ${shorten(names.join(', '), 300)}` : `did you mean "${shorten(alike)}"?`;
  throw new GaplineError('data-invalid', `${file}: line 1: there is no column "${name}"; ${hint}`);
}

function findRoles({ file, truth, device, time }: DatasetOptions, names: readonly string[]): Roles {
  const find = (name: string | undefined) => (name === undefined ? -1 : findColumn(names, name, file));
  return { truth: find(truth), device: find(device), time: find(time) };
}

function valueColumns({ file, fields }: DatasetOptions, names: readonly string[], roles: Roles): ValueColumn[] {
  const taken = new Set([roles.truth, roles.device, roles.time]);
  const indexes =
    fields?.map((name) => findColumn(names, name, file)) ??
    [...names.keys()].filter((index) => names[index] !== '' && !taken.has(index));
  return indexes.map((index) => ({ name: names[index]!, index, values: [], numbers: 0, bad: 0 }));
}

function required(cell: string, name: string, file: string, line: number): string {
  if (cell !== '') return cell;
  throw new GaplineError('data-invalid', `${file}: line ${line}, column "${name}": the cell is empty`);
}

function timeOf(cell: string, name: string, file: string, line: number): string {
  const time = readTime(cell, 'ns');
  if (time !== null) return time;
  throw new GaplineError(
    'data-invalid',
    `${file}: line ${line}, column "${name}": "${shorten(cell, 40)}": ${explainTime(cell)}`,
  );
}

function takeCell(column: ValueColumn, cell: string, line: number): void {
  const value = parseCell(cell);
  if (value === undefined) {
    column.bad += 1;
    column.firstBad ??= { cell, line };
  } else if (!Number.isNaN(value)) column.numbers += 1;
  column.values.push(value ?? Number.NaN);
}

function chooseColumns(columns: readonly ValueColumn[], demanded: boolean, file: string) {
  const kept: ValueColumn[] = [];
  const ignored: string[] = [];
  for (const column of columns) {
    if (column.firstBad === undefined) kept.push(column);
    else if (!demanded && column.bad > column.numbers) ignored.push(column.name);
    else {
      const { cell, line } = column.firstBad;
      const detail = `${file}: line ${line}, column "${shorten(column.name)}": "${shorten(cell, 40)}" is not a finite number; a gap is an empty cell or NA`;
      throw new GaplineError('data-invalid', detail);
    }
  }
  if (kept.length === 0) throw new GaplineError('data-invalid', `${file}: has no numeric column to learn from`);
  return { kept, ignored };
}

/** Distinct truths, sorted, and each row's index into them. */
export function encodeTruths(truths: readonly (string | undefined)[]): { classes: string[]; labels: Int32Array } {
  const classes = [...new Set(truths)].filter((truth) => truth !== undefined).sort();
  const indexes = new Map<string | undefined, number>(classes.map((name, index) => [name, index]));
  return { classes, labels: Int32Array.from(truths, (truth) => indexes.get(truth) ?? -1) };
}

function rowMajor(columns: readonly ValueColumn[], count: number): Float64Array {
  const values = new Float64Array(count * columns.length);
  columns.forEach((column, offset) => {
    for (let row = 0; row < count; row++) values[row * columns.length + offset] = column.values[row]!;
  });
  return values;
}
