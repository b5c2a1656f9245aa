import { csvCell } from '../dataset/csv-writer.ts';
import { cellText, RecordReader, type TableRecord } from '../dataset/records.ts';
import { readRfc3339 } from '../wire/time.ts';
import { CsvBytes, templateOf } from './csv-bytes.ts';
import { NumberCells, rowsAtOnce } from './csv-numbers.ts';
import { TimeCells } from './csv-times.ts';
import { DictionaryRoom } from './dictionary-room.ts';
import {
  deviceColumn,
  emptyRows,
  endColumn,
  type ObjectRows,
  timeColumn,
  truthColumn,
  type ValueColumn,
} from './rows.ts';

/** Used again by each table: a memory of its own would be much address space. */
let room: DictionaryRoom | undefined;

/** The reader of records keeps a copy of what it is fed. */
const feedBytes = 1 << 20;

/** Rows as CSV: a gap is an empty cell, `time` RFC 3339; a number has as many digits as bring it back bit by bit. */
export function toCsv(rows: ObjectRows): Uint8Array {
  const { columns, count, times, values, truths, truth, ends } = rows;
  const out = new CsvBytes();
  const names = [deviceColumn, timeColumn, ...columns.map(({ name }) => name), truthColumn, endColumn];
  out.text(`${names.map(csvCell).join(',')}\n`);
  const time = new TimeCells(`${csvCell(rows.device)},`, times);
  const numbers = cellsOf(values);
  // Behind the numbers, by truth, of which -1 is none: within a segment, and at the end of one.
  const tails = [undefined, ...truths].map((known) => {
    const cell = known === undefined ? '' : csvCell(known);
    return [templateOf(`,${cell},\n`), templateOf(`,${cell},true\n`)] as const;
  });
  const most = time.mostBytes + numbers.length * NumberCells.mostBytes;
  for (let row = 0; row < count; row += 1) {
    if (row % rowsAtOnce === 0) {
      // All rows are as long as those before, or nearly so.
      if (row > 0) out.reserve(Math.ceil(((count - row) * out.length * 1.02) / row));
      for (const column of numbers) column.prepare(row, Math.min(count, row + rowsAtOnce));
    }
    out.reserve(most);
    time.write(row, out);
    for (const column of numbers) column.write(row, out);
    const tail = tails[(truth[row] ?? -1) + 1]?.[ends[row] === 1 ? 1 : 0];
    if (!tail) continue;
    out.reserve(tail.length);
    out.template(tail);
  }
  return out.written;
}

function cellsOf(values: ObjectRows['values']): NumberCells[] {
  room ??= new DictionaryRoom();
  room.reset();
  const tables = room;
  return values.map((column) => new NumberCells(column, tables));
}

/** Reads an object of {@link toCsv} that has so many rows. @throws {Error} where the bytes are none */
export function fromCsv(file: string, bytes: Uint8Array, columns: readonly ValueColumn[], count: number): ObjectRows {
  const rows = emptyRows('', columns, count);
  const known = new Map<string, number>();
  let device = '';
  let row = -1;
  const visit = (record: TableRecord) => {
    if (row >= count || record.cells !== columns.length + 4) throw new Error('it has other rows or columns');
    if (row >= 0) {
      device = cellText(record, 0);
      rows.times[row] = BigInt(readRfc3339(cellText(record, 1)) ?? 'no time');
      for (const [at, column] of rows.values.entries()) {
        const cell = cellText(record, at + 2);
        if (cell !== '') column[row] = Number(cell);
      }
      const name = cellText(record, columns.length + 2);
      if (name !== '') {
        if (!known.has(name)) known.set(name, rows.truths.push(name) - 1);
        rows.truth[row] = known.get(name) ?? -1;
      }
      rows.ends[row] = cellText(record, columns.length + 3) === 'true' ? 1 : 0;
    }
    row += 1;
  };
  const reader = new RecordReader({ file, delimiter: ',' }, visit);
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < all.length; at += feedBytes) reader.feed(all.subarray(at, at + feedBytes));
  reader.end();
  if (row !== count) throw new Error(`it has ${Math.max(0, row)} rows in place of ${count}`);
  return { ...rows, device };
}
