import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import type { RowReader } from './cell-readers.ts';
import { type Dataset, onlySegmentEnd } from './dataset.ts';
import type { Decimal } from './number.ts';
import { describeRule, type NumberRule, numberRule } from './number-rule.ts';
import { assignRoles, type RoleOptions, type Roles } from './roles.ts';
import type { Survey } from './survey.ts';
import type { TimeUnit } from './time-cell.ts';

export interface PlanOptions extends RoleOptions {
  /** How numbers are written. Default: as the first cell that can be read in one way only. */
  readonly decimal?: Decimal | undefined;
  /** What times count that are numbers. Default: by their size. */
  readonly timeUnit?: TimeUnit | undefined;
}

/** What a table is read by. */
export interface Plan {
  readonly roles: Roles;
  readonly rule: NumberRule;
}

/** A data set, and what was learnt of the table that it came from. */
export interface TableReading extends Plan {
  readonly dataset: Dataset;
  readonly survey: Survey;
}

/**
 * Decides what each column is and how numbers are written.
 * @throws {GaplineError} `data-invalid` where that cannot be decided, or no column measures anything.
 */
export function planOf(survey: Survey, options: PlanOptions): Plan {
  const roles = assignRoles(survey, options);
  const { table, columns } = survey;
  if (roles.values.length === 0)
    throw new GaplineError(
      'data-invalid',
      `${table.name}: has no numeric column to learn from${shorten(leftOutOf(roles), 500)}`,
    );
  const measured = roles.values.map((index) => elementAt(columns, index));
  return { roles, rule: numberRule(measured, options.decimal) };
}

function leftOutOf({ columns }: Roles): string {
  const [only, ...more] = columns;
  if (only && more.length === 0)
    return '; it is one column: if another sign parts its cells, write sep= and that sign as its first line';
  const reasons = columns
    .filter(({ role }) => role === 'left out')
    .map(({ name, reason }) => `"${name}" is left out: ${reason}`);
  return reasons.length === 0 ? '' : `; ${reasons.join('; ')}`;
}

/** Puts together what readers have read of every row. */
export function readingOf(survey: Survey, { roles, rule }: Plan, readers: RowReader): TableReading {
  const { table, columns, count } = survey;
  const width = roles.values.length;
  const { classes, labels } = readers.labels();
  const { devices, times, segments } = readers;
  const notes = [...survey.notes, ...describeRule(rule), ...readers.notes];
  const dataset: Dataset = {
    file: table.name,
    fields: roles.values.map((index) => elementAt(columns, index).name),
    count,
    width,
    values: readers.values.subarray(0, count * width),
    classes,
    labels: labels.subarray(0, count),
    ...(devices && { devices: { names: devices.names, index: devices.index.subarray(0, count) } }),
    ...(times && { times: times.subarray(0, count) }),
    ...(segments && { segments: segmentsOf(segments.subarray(0, count), readers.values, width) }),
    columns: roles.columns,
    // The places of one file need not name it again.
    notes: notes.map((note) => note.replaceAll(`${table.name}: `, '')),
  };
  return { dataset, survey, roles, rule };
}

/** A row that ends a segment and measured nothing is no sample of it. */
function segmentsOf(segments: Uint8Array, values: Float64Array, width: number): Uint8Array {
  return segments.map((segment, row) => {
    const isEmpty = () => values.subarray(row * width, (row + 1) * width).every((value) => Number.isNaN(value));
    return segment !== 0 && isEmpty() ? onlySegmentEnd : segment;
  });
}
