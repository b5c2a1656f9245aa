import { GaplineError } from '../wire/errors.ts';
import { shorten } from '../wire/problem.ts';
import type { ColumnSurvey, Seen } from './column-survey.ts';
import type { Decimal } from './number.ts';

/** How every number of a table is read. */
export interface NumberRule {
  readonly decimal: Decimal;
  /** What decided it: `line 3: "27,14" in column "temp"`; undefined where nothing had to be decided. */
  readonly because?: string;
}

const names: Record<Decimal, string> = { '.': 'decimal point', ',': 'decimal comma' };

interface Evidence extends Seen {
  readonly column: string;
  readonly decimal: Decimal;
}

/**
 * Decides by the first cell that can be read in one way only. `1,234` alone decides nothing: it may be 1234 or 1.234.
 * @param columns - those that hold numbers
 * @throws {GaplineError} `data-invalid` where no cell decides and the two ways differ.
 */
export function numberRule(columns: readonly ColumnSurvey[], demanded?: Decimal): NumberRule {
  if (demanded !== undefined) return { decimal: demanded, because: 'as demanded' };
  const evidence = first(
    columns.flatMap((column) => [
      ...evidenceOf(column, column.onlyPoint, '.'),
      ...evidenceOf(column, column.onlyComma, ','),
    ]),
  );
  if (evidence) return { decimal: evidence.decimal, because: inWords(evidence) };
  const grouped = columns.filter(({ eitherComma }) => eitherComma !== undefined);
  const unclear = first(grouped.flatMap((column) => evidenceOf(column, column.eitherComma, ',')));
  if (unclear === undefined) {
    const point = first(columns.flatMap((column) => evidenceOf(column, column.eitherPoint, '.')));
    return point
      ? {
          decimal: '.',
          because: `${inWords(point)}, which no cell proves: with a decimal comma it were a whole number`,
        }
      : { decimal: '.' };
  }
  // Beside 1,234 stand numbers below a thousand without a comma, and none above: so the comma parts groups.
  const groups = first(grouped.flatMap((column) => (column.large ? [] : evidenceOf(column, column.small, '.'))));
  if (groups) return { decimal: '.', because: `${inWords(groups)}, beside numbers such as "${unclear.cell}"` };
  const ways = '"--decimal ." where the comma parts thousands, "--decimal ," where it is the decimal comma';
  throw new GaplineError(
    'data-invalid',
    `${inWords(unclear)} can be read in two ways, and no cell decides; say ${ways} (data.decimal in stream.yaml)`,
  );
}

const evidenceOf = (column: ColumnSurvey, seen: Seen | undefined, decimal: Decimal): Evidence[] =>
  seen === undefined ? [] : [{ ...seen, column: column.name, decimal }];

const first = (all: readonly Evidence[]): Evidence | undefined =>
  all.reduce<Evidence | undefined>(
    (best, each) => (best === undefined || each.row < best.row ? each : best),
    undefined,
  );

const inWords = ({ cell, place, column }: Evidence): string =>
  `${place}, column "${shorten(column)}": "${shorten(cell, 40)}"`;

/** The rule in words, where it is worth saying. */
export function describeRule({ decimal, because }: NumberRule): string[] {
  if (because === undefined) return [];
  return [`numbers have a ${names[decimal]} (${because}; --decimal overrides it)`];
}

/** Why a cell that is no number in this rule cannot be taken. */
export function contradicts({ decimal, because }: NumberRule): string {
  return `is no number with a ${names[decimal]}, which all of the table has${because === undefined ? '' : ` (${because})`}; write all numbers alike, or say --decimal ${decimal === '.' ? ',' : '.'}`;
}
