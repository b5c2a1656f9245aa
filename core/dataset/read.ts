import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { cellReaders, type RowReader } from './cell-readers.ts';
import type { Dataset } from './dataset.ts';
import type { Decimal } from './number.ts';
import { describeRule, type NumberRule, numberRule } from './number-rule.ts';
import { assignRoles, type RoleOptions, type Roles } from './roles.ts';
import { type Survey, surveyTable } from './survey.ts';
import type { TimeUnit } from './time-cell.ts';

export interface DatasetOptions extends RoleOptions {
  /** One file or several of one table: CSV, gzipped or not, or Parquet. */
  readonly file: string | readonly string[];
  /** How numbers are written. Default: as the first cell that can be read in one way only. */
  readonly decimal?: Decimal | undefined;
  /** What times count that are numbers. Default: by their size. */
  readonly timeUnit?: TimeUnit | undefined;
}

/** A data set, and what was learnt of the table that it came from. */
export interface TableReading {
  readonly dataset: Dataset;
  readonly survey: Survey;
  readonly roles: Roles;
  readonly rule: NumberRule;
}

/**
 * Reads a table as a data set. Its columns get their roles by what is said of them, else by name and by what they hold; each column
 * that is left out is listed in `columns` with the reason.
 * @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there.
 */
export async function readDataset(options: DatasetOptions): Promise<Dataset> {
  return (await readTable(options, await surveyTable(filesOf(options.file)))).dataset;
}

export const filesOf = (file: string | readonly string[]): readonly string[] =>
  typeof file === 'string' ? [file] : file;

/**
 * As {@link readDataset}, of a table that was looked at already.
 * @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there.
 */
export async function readTable(options: Omit<DatasetOptions, 'file'>, survey: Survey): Promise<TableReading> {
  const roles = assignRoles(survey, options);
  const { table, columns, count } = survey;
  if (roles.values.length === 0)
    throw new GaplineError(
      'data-invalid',
      `${table.name}: has no numeric column to learn from; ${shorten(leftOutOf(roles), 500)}`,
    );
  const rule = numberRule(
    roles.values.map((index) => columns[index]!),
    options.decimal,
  );
  const readers = cellReaders({ survey, roles, rule, timeUnit: options.timeUnit });
  await fill(survey, readers);
  const { classes, labels } = readers.labels();
  const dataset = {
    file: table.name,
    fields: roles.values.map((index) => columns[index]!.name),
    count,
    width: roles.values.length,
    values: readers.values,
    classes,
    labels,
    ...(readers.devices && { devices: readers.devices }),
    ...(readers.times && { times: readers.times }),
    columns: roles.columns,
    notes: [...survey.notes, ...[describeRule(rule)].filter((note) => note !== undefined), ...readers.notes].map(
      (note) =>
        // The places of one file need not name it again.
        note.replaceAll(`${table.name}: `, ''),
    ),
  };
  return { dataset, survey, roles, rule };
}

const leftOutOf = ({ columns }: Roles): string =>
  columns
    .flatMap(({ name, role, reason }) => (role === 'left out' ? [`"${name}" is left out: ${reason}`] : []))
    .join('; ');

async function fill({ table, count }: Survey, readers: RowReader): Promise<void> {
  let row = 0;
  await table.read((record) => {
    if (row === count)
      throw new GaplineError('data-invalid', `${record.file}: was changed while it was read; try again`);
    readers.read(record, row);
    row += 1;
  });
}
