import { oneLine } from '../wire/errors.ts';
import type { Dataset } from './dataset.ts';
import type { ColumnRole } from './roles.ts';

/** Columns that are values without a remark are listed together; of more than this the rest is counted. */
const mostListed = 100;
/** Of more columns with the same remark, one line names them all. */
const mostAlike = 3;

/** What each column of a data set became, and how the table is written: lines for people. */
export function describeDataset({ file, count, fields, columns, notes }: Dataset): string[] {
  if (columns.length === 0) return [];
  const line = (role: string, text: string) => `  ${role.padEnd(9)} ${oneLine(text)}`;
  const said = ({ name, reason }: ColumnRole) => (reason === '' ? name : `${name}: ${reason}`);
  const of = (role: ColumnRole['role']) => columns.filter((column) => column.role === role);
  const plain = of('value').filter(({ reason }) => reason === '');
  const remarked = of('value').filter(({ reason }) => reason !== '');
  const alike = [...Map.groupBy(remarked, ({ reason }) => reason)].filter(([, own]) => own.length > mostAlike);
  const groups = new Set(alike.map(([reason]) => reason));
  return [
    `${oneLine(file)}: ${count} rows, ${columns.length} columns, ${fields.length} of them values`,
    ...(['label', 'device', 'time', 'segment'] as const).flatMap((role) =>
      of(role).map((column) => line(role, said(column))),
    ),
    ...listed(plain).map((text) => line('values', text)),
    ...alike.flatMap(([reason, own]) => listed(own).map((names) => line('values', `${reason}: ${names}`))),
    ...some(remarked.filter(({ reason }) => !groups.has(reason))).map((column) => line('value', said(column))),
    ...of('left out').map((column) => line('left out', said(column))),
    ...notes.map((note) => line('note', note)),
  ];
}

function listed(columns: readonly ColumnRole[]): string[] {
  if (columns.length === 0) return [];
  const more = columns.length > mostListed ? `, and ${columns.length - mostListed} more` : '';
  return [
    `${columns
      .slice(0, mostListed)
      .map(({ name }) => name)
      .join(', ')}${more}`,
  ];
}

/** All, or where they are many the first ones and how many more. */
function some(columns: readonly ColumnRole[]): readonly ColumnRole[] {
  if (columns.length <= mostListed) return columns;
  const rest = columns.length - mostListed;
  return [...columns.slice(0, mostListed), { name: `and ${rest} more`, role: 'value', reason: 'with gaps or a unit' }];
}
