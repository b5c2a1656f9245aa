import type { Rows } from '../core/model/rows.ts';
import { suggestName } from '../core/wire/near-name.ts';
import { readTime } from '../core/wire/time.ts';
import type { Row } from './types.ts';

/**
 * Rows by name as rows by column.
 * @throws {TypeError} naming the row and what is wrong with it
 */
export function readRows(rows: readonly Row[], fields: readonly string[]): Rows {
  const width = fields.length;
  const columns = new Map(fields.map((name, column) => [name, column]));
  const values = new Float64Array(rows.length * width).fill(Number.NaN);
  const times = new BigInt64Array(rows.length);
  rows.forEach((row, at) => {
    for (const [name, value] of Object.entries(row.values)) {
      const column = columns.get(name);
      if (column === undefined)
        throw new TypeError(`row ${at}: the model has no field "${name}"${suggestName(name, fields)}`);
      if (value === null || value === undefined) continue;
      if (!Number.isFinite(value))
        throw new TypeError(`row ${at}: "${name}" is ${String(value)}; expected a finite number, or null for a gap`);
      values[at * width + column] = value;
    }
    if (row.time === undefined) return;
    const time = readTime(row.time, 'ns');
    if (time === null)
      throw new TypeError(`row ${at}: its time is ${row.time}; expected RFC 3339, or nanoseconds as a decimal string`);
    times[at] = BigInt(time);
  });
  return { count: rows.length, width, values, devices: rows.map(({ device }, at) => device ?? `row ${at}`), times };
}
