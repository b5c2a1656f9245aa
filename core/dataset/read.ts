import { GaplineError } from '../wire/errors.ts';
import { cellReaders, type RowReader } from './cell-readers.ts';
import type { Dataset } from './dataset.ts';
import { type LongOptions, widen } from './long.ts';
import { readAtOnce } from './one-pass.ts';
import { type PlanOptions, planOf, readingOf, type TableReading } from './reading.ts';
import type { Survey } from './survey.ts';
import { openTable } from './table.ts';

export interface DatasetOptions extends PlanOptions {
  /** One file or several of one table: CSV, gzipped or not, or Parquet. */
  readonly file: string | readonly string[];
  /** Words of cells that stand for gaps, beside the usual ones. */
  readonly gap?: readonly string[] | undefined;
  /** Where the table is in long form: its columns of the name and of the value. `fields` are then names of values. */
  readonly long?: Pick<LongOptions, 'parameter' | 'value'> | undefined;
}

/**
 * Reads a table as a data set. Its columns get their roles by what is said of them, else by name and by what they hold; each column
 * that is left out is listed in `columns` with the reason.
 * @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there.
 */
export async function readDataset(options: DatasetOptions): Promise<Dataset> {
  const { file, long } = options;
  const table = await openTable(typeof file === 'string' ? [file] : file, options.gap);
  const narrow = long ? { ...options, fields: [long.value] } : options;
  const attempt = await readAtOnce(table, narrow);
  const { dataset } = attempt.reading ?? (await readTable(narrow, attempt.survey));
  return long ? await widen(table, dataset, { ...long, fields: options.fields }) : dataset;
}

/**
 * As {@link readDataset}, of a table that was looked at already.
 * @throws {GaplineError} `data-invalid` naming file, line and column, and what was found there.
 */
export async function readTable(options: Omit<DatasetOptions, 'file'>, survey: Survey): Promise<TableReading> {
  const { roles, rule } = planOf(survey, options);
  const readers = cellReaders({ survey, roles, rule, count: survey.count, timeUnit: options.timeUnit });
  await fill(survey, readers);
  return readingOf(survey, { roles, rule }, readers);
}

async function fill({ table, count }: Survey, readers: RowReader): Promise<void> {
  let row = 0;
  await table.read((record) => {
    if (row === count)
      throw new GaplineError('data-invalid', `${record.file}: was changed while it was read; try again`);
    readers.read(record, row);
    row += 1;
  });
}
