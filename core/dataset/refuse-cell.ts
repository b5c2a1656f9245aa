import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import { placeOf, type TableRecord } from './records.ts';

/** @throws {GaplineError} `data-invalid` naming file, line and column, and what stands there. */
export function refuseCell(record: TableRecord, column: string, cell: string, why: string): never {
  throw new GaplineError(
    'data-invalid',
    `${placeOf(record)}, column "${shorten(column)}": "${shorten(cell, 40)}" ${why}`,
  );
}
