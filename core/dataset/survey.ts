import { ColumnSurvey } from './column-survey.ts';
import type { TableRecord } from './records.ts';
import { openTable, type Table } from './table.ts';

/** All different cells that are remembered while a table is looked at, of all columns together. */
const mostDistinct = 1_000_000;

/** A table that was read once, to learn how it is written. */
export interface Survey {
  readonly table: Table;
  readonly columns: readonly ColumnSurvey[];
  /** The last record, where its digits were not read when it was cut: each column with a decimal point, then with a comma; NaN for none. */
  readonly last: Float64Array;
  /** Records. */
  readonly count: number;
  /** How the files are laid out, where that is unusual. */
  readonly notes: readonly string[];
}

/**
 * Reads a whole table and keeps of each column what helps to find its role.
 * @param gap - words of cells that stand for gaps, beside the usual ones
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function surveyTable(files: readonly string[], gap?: readonly string[]): Promise<Survey> {
  return survey(await openTable(files, gap));
}

/**
 * As {@link surveyTable}, of a table that is open.
 * @param also - what else is done with each record, after its columns have seen it
 */
export async function survey(
  table: Table,
  also?: (record: TableRecord, row: number, seen: Pick<Survey, 'columns' | 'last'>) => void,
): Promise<Survey> {
  const seen = columnsOf(table);
  const { columns } = seen;
  let count = 0;
  const notes = await table.read((record) => {
    for (let column = 0; column < columns.length; column++) columns[column]!.take(record, column);
    also?.(record, count, seen);
    count += 1;
  });
  return { table, ...seen, count, notes: [...table.notes, ...notes] };
}

function columnsOf(table: Table): { columns: ColumnSurvey[]; last: Float64Array } {
  const last = new Float64Array(table.columns.length * 2);
  const most = Math.max(200, Math.min(20_000, Math.floor(mostDistinct / table.columns.length)));
  return { last, columns: table.columns.map((name, index) => new ColumnSurvey(name, most, last, index * 2)) };
}

/** Ends a visit before the end of the table. */
class Enough extends Error {}

/** Looks at the first records only. @returns with it the mean length of a record, in bytes. */
export async function surveyBeginning(table: Table, most: number): Promise<{ survey: Survey; meanBytes: number }> {
  const seen = columnsOf(table);
  const { columns } = seen;
  let count = 0;
  let bytes = 0;
  try {
    await table.read((record) => {
      for (let column = 0; column < columns.length; column++) columns[column]!.take(record, column);
      count += 1;
      bytes += record.ends[record.cells - 1]! - record.starts[0]! + 1;
      if (count === most) throw new Enough();
    });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return { survey: { table, ...seen, count, notes: table.notes }, meanBytes: bytes / Math.max(1, count) };
}
