import { elementAt } from '../numeric/element.ts';
import { GaplineError } from '../wire/errors.ts';
import { cellReaders, type RowReader } from './cell-readers.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { type Plan, type PlanOptions, planOf, readingOf, type TableReading } from './reading.ts';
import { type Survey, survey, surveyBeginning } from './survey.ts';
import type { Table } from './table.ts';

/** Records that a plan is made from. */
const beginning = 2_000;

/** A plan made from the beginning of a table, and the arrays that are filled by it while the rest is looked at. */
interface Attempt {
  readonly plan: Plan;
  /** What it was made from. */
  readonly survey: Survey;
  readonly readers: RowReader;
  readonly room: number;
}

/**
 * Looks at a table and reads it in one pass, by a plan that its beginning suggests. Where the whole does not bear the plan out there is
 * only the survey, and the table has to be read again.
 * @throws {GaplineError} `data-invalid` naming file and line.
 */
export async function readAtOnce(
  table: Table,
  options: PlanOptions,
): Promise<{ readonly survey: Survey; readonly reading?: TableReading }> {
  let attempt = await plan(table, options);
  const whole = await survey(table, (record, row, seen) => {
    if (attempt === undefined) return;
    try {
      if (row < attempt.room) attempt.readers.readSurveyed(record, row, seen);
      else attempt = undefined;
    } catch (error) {
      if (!(error instanceof GaplineError)) throw error;
      // The second pass says what is wrong, by what is known of the whole table then.
      attempt = undefined;
    }
  });
  if (attempt === undefined) return { survey: whole };
  const final = planOf(whole, options);
  if (!isBorneOut(attempt, final, whole)) return { survey: whole };
  return { survey: whole, reading: readingOf(whole, final, attempt.readers) };
}

async function plan(table: Table, options: PlanOptions): Promise<Attempt | undefined> {
  const { survey: first, meanBytes } = await surveyBeginning(table, beginning);
  const room = table.estimate(meanBytes);
  if (room === undefined || first.count < beginning) return undefined;
  try {
    const made = planOf(first, options);
    return {
      plan: made,
      survey: first,
      room,
      readers: cellReaders({ survey: first, ...made, count: room, timeUnit: options.timeUnit }),
    };
  } catch (error) {
    if (error instanceof GaplineError) return undefined;
    throw error;
  }
}

function isBorneOut({ plan: made, survey: first }: Attempt, final: Plan, { columns }: Survey): boolean {
  const places = ({ truth, device, time, clock, segment, values }: Plan['roles'], seen: Survey['columns']) =>
    JSON.stringify([truth, device, time, clock, segment, values, seen[clock]?.clockForm, seen[time]?.isYearUnclear]);
  return (
    places(made.roles, first.columns) === places(final.roles, columns) &&
    made.rule.decimal === final.rule.decimal &&
    final.roles.values.every((index) => isPure(elementAt(columns, index), final.rule))
  );
}

/** Whether every cell of a column is a gap or a number by the rule, and has the unit of the others: so nothing is to be refused. */
function isPure(column: ColumnSurvey, { decimal }: Plan['rule']): boolean {
  const { numbers, filled, units, unit, onlyComma, onlyPoint } = column;
  const inUnit = units.size === 0 || (units.size === 1 && units.get(unit)?.count === numbers);
  return numbers === filled && inUnit && (decimal === '.' ? onlyComma : onlyPoint) === undefined;
}
