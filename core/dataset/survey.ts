import { ColumnSurvey } from './column-survey.ts';
import type { TableRecord } from './records.ts';
import { openTable, type Table } from './table.ts';

/** All different cells that are remembered while a table is looked at, of all columns together. */
const mostDistinct = 1_000_000;

/** A table that was read once, to learn how it is written. */
export interface Survey {
  readonly table: Table;
  readonly columns: readonly ColumnSurvey[];
  /** Records. */
  readonly count: number;
  /** How the files are laid out, where that is unusual. */
  readonly notes: readonly string[];
}

/**
 * Reads a whole table and keeps of each column what helps to find its role.
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function surveyTable(files: readonly string[]): Promise<Survey> {
  const table = await openTable(files);
  const most = Math.max(200, Math.min(20_000, Math.floor(mostDistinct / table.columns.length)));
  const columns = table.columns.map((name) => new ColumnSurvey(name, most));
  let count = 0;
  const notes = await table.read((record: TableRecord) => {
    count += 1;
    for (let column = 0; column < columns.length; column++) columns[column]!.take(record, column);
  });
  return { table, columns, count, notes: [...table.notes, ...notes] };
}
