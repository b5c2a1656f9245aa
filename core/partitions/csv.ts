import { csvCell } from '../dataset/csv-writer.ts';
import { cellText, RecordReader, type TableRecord } from '../dataset/records.ts';
import { readRfc3339 } from '../wire/time.ts';
import { CsvBlock } from './csv-block.ts';
import { CsvBytes } from './csv-bytes.ts';
import { CsvRoom } from './csv-room.ts';
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
let rooms: { readonly rows: CsvRoom; readonly dictionaries: DictionaryRoom } | undefined;

/** The reader of records keeps a copy of what it is fed. */
const feedBytes = 1 << 20;

/**
 * Rows as CSV: a gap is an empty cell, `time` RFC 3339; a number has as many digits as bring it back bit by bit.
 * @returns bytes that threads share; `giveBack` takes their memory for another table
 */
export function toCsv(rows: ObjectRows): Uint8Array {
  const out = new CsvBytes();
  const { count } = rows;
  for (const { bytes, done } of csvPieces(rows)) {
    // All rows are as long as those before, or nearly so.
    if (done > 0) out.reserve(Math.ceil((1.02 * (out.length + bytes.length) * count) / done) - out.length);
    out.add(bytes);
  }
  return out.written;
}

/** Some rows of a table, and how many stand in these and those before. */
export interface CsvPiece {
  readonly bytes: Uint8Array;
  readonly done: number;
}

/** The same, piece by piece; each is valid until the next one, and until other rows are made. */
export function* csvPieces(rows: ObjectRows): Generator<CsvPiece> {
  const { columns, count } = rows;
  const names = [deviceColumn, timeColumn, ...columns.map(({ name }) => name), truthColumn, endColumn];
  yield { bytes: Buffer.from(`${names.map(csvCell).join(',')}\n`), done: 0 };
  rooms ??= { rows: new CsvRoom(), dictionaries: new DictionaryRoom() };
  rooms.dictionaries.reset();
  const block = new CsvBlock(rows, rooms.rows, rooms.dictionaries);
  for (let done = 0; done < count; ) {
    const bytes = block.make(done);
    done = Math.min(count, done + block.rows);
    yield { bytes, done };
  }
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
