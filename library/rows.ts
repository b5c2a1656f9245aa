import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { Rows } from '../core/model/rows.ts';
import { suggestName } from '../core/wire/near-name.ts';
import { readTime } from '../core/wire/time.ts';
import type { Row } from './types.ts';

/**
 * Rows by name as rows by column. A row without a device gets a name that no other row has: an imputer that remembers must not take
 * it for one that came before.
 * @throws {TypeError} naming the row and what is wrong with it
 */
export function readRows(rows: readonly Row[], fields: readonly string[]): Rows {
  if (!Array.isArray(rows)) throw new TypeError(`expected a list of rows such as [{ values: { ${fields[0]}: 1 } }]`);
  const width = fields.length;
  const columns = new Map(fields.map((name, column) => [name, column]));
  const values = new Float64Array(rows.length * width).fill(Number.NaN);
  const times = new BigInt64Array(rows.length);
  const ownNames = randomUUID();
  rows.forEach((row: Row, at) => {
    for (const [name, value] of Object.entries(valuesOf(row, at))) {
      const column = columns.get(name);
      if (column === undefined)
        throw new TypeError(`row ${at}: the model has no field "${name}"; ${suggestName(name, fields)}`);
      if (value === null || value === undefined) continue;
      if (!Number.isFinite(value))
        throw new TypeError(`row ${at}: "${name}" is ${inspect(value)}; expected a finite number, or null for a gap`);
      values[at * width + column] = value;
    }
    if (row.time === undefined) return;
    // A number would be nanoseconds, and Date.now() is not.
    const time = typeof row.time === 'string' ? readTime(row.time, 'ns') : null;
    if (time === null)
      throw new TypeError(
        `row ${at}: its time is ${inspect(row.time)}; expected RFC 3339, or nanoseconds as a decimal string`,
      );
    times[at] = BigInt(time);
  });
  return {
    count: rows.length,
    width,
    values,
    devices: rows.map(({ device }, at) => device ?? `${ownNames} ${at}`),
    times,
  };
}

/** Programs in plain JavaScript have no types that check this. */
function valuesOf(row: Row, at: number): Row['values'] {
  const values: unknown = row?.values;
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return row.values;
  throw new TypeError(`row ${at}: it has no values; expected { values: { NAME: number } }`);
}
