import { cellText, placeOf, type TableRecord } from '../core/dataset/records.ts';
import { openTable, placeOfColumn } from '../core/dataset/table.ts';
import { type DateOrder, isNumericTime, readTextTime } from '../core/dataset/time-cell.ts';
import { readWholeSync } from '../core/files/whole.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Fact, FactKinds } from '../core/wire/fact.ts';
import { checkFact, factInputSchema } from '../core/wire/fact-input.ts';
import { Faults } from '../core/wire/problem.ts';

const mostBytes = 512 << 20;

/** Where the parts of a fact stand in a table: a column by its name, or by its place from 1 on. */
export interface FactColumns {
  readonly kind: string;
  readonly subject: string;
  /** Without one, facts hold from the beginning of time on. */
  readonly from?: string | undefined;
  /** An empty cell is a fact that still holds. */
  readonly to?: string | undefined;
  /** By name of the value, its column. */
  readonly values: Readonly<Record<string, string>>;
  readonly dateOrder: DateOrder;
}

/** When a fact begins whose table names no beginning. */
const always = '1900-01-01T00:00:00Z';

/**
 * Reads facts as `POST /facts` takes them, one a line.
 * @throws {GaplineError} `fact-invalid`, naming the line and what is wrong there
 */
export function readFactsFile(file: string, stream: string, kinds: FactKinds): Fact[] {
  const checked = checker(stream, kinds);
  const lines = readWholeSync(file, mostBytes).toString('utf8').split('\n');
  return lines.flatMap((line, at) =>
    line.trim() === '' ? [] : [checked(parse(line, `${file}: line ${at + 1}`), `${file}: line ${at + 1}`)],
  );
}

/**
 * Reads facts of one kind from a table in any layout.
 * @throws {GaplineError} `data-invalid` or `fact-invalid`, naming the line and what is wrong there
 */
export async function readFactsTable(
  file: string,
  columns: FactColumns,
  stream: string,
  kinds: FactKinds,
): Promise<Fact[]> {
  const checked = checker(stream, kinds);
  const table = await openTable([file]);
  const at = (column: string) => placeOfColumn(table.columns, column, file);
  const [subject, from, to] = [at(columns.subject), columns.from && at(columns.from), columns.to && at(columns.to)];
  const values = Object.entries(columns.values).map(([name, column]) => [name, at(column)] as const);
  const facts: Fact[] = [];
  await table.read((record) => {
    const place = placeOf(record);
    const time = (column: number) => timeOf(record, column, columns.dateOrder, place);
    const input = {
      ...{ subject: cellText(record, subject), kind: columns.kind },
      from: typeof from === 'number' ? (time(from) ?? missing(place, columns.from)) : always,
      ...(typeof to === 'number' && cellText(record, to) !== '' && { to: time(to) }),
      values: Object.fromEntries(values.map(([name, column]) => [name, numberOf(cellText(record, column), place)])),
    };
    facts.push(checked(input, place));
  });
  return facts;
}

function checker(stream: string, kinds: FactKinds) {
  const rules = { kinds, precision: 'ns' } as const;
  const schema = factInputSchema(rules);
  const received = `${Date.now()}000000`;
  return (input: unknown, place: string): Fact => {
    const faults = new Faults();
    const fact = checkFact(input, schema, rules, '', faults);
    if (!fact) throw new GaplineError('fact-invalid', `${place}: ${faults.summary()}`);
    return { stream, ...fact, received };
  };
}

function parse(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new GaplineError('fact-invalid', `${place}: it is not JSON`);
  }
}

function timeOf(record: TableRecord, column: number, order: DateOrder, place: string): string | undefined {
  const cell = cellText(record, column);
  if (cell === '') return undefined;
  if (isNumericTime(cell)) return cell;
  const ns = readTextTime(cell, order);
  if (ns === undefined) throw new GaplineError('data-invalid', `${place}: ${JSON.stringify(cell)} is no time`);
  return ns.toString();
}

function missing(place: string, column: string | undefined): never {
  throw new GaplineError('data-invalid', `${place}: column ${column} is empty; a fact has a beginning`);
}

function numberOf(cell: string, place: string): number | null {
  if (cell === '') return null;
  const value = Number(cell.replace(',', '.'));
  if (!Number.isFinite(value)) throw new GaplineError('data-invalid', `${place}: ${JSON.stringify(cell)} is no number`);
  return value;
}
