import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { csvCell } from '../core/dataset/csv-writer.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Point } from '../core/wire/point.ts';
import { formatRfc3339 } from '../core/wire/time.ts';

export interface Column {
  readonly name: string;
  /** The field of a point that it holds. */
  readonly field: string;
  readonly type: 'REAL' | 'TEXT';
}

/** SQLite makes no wider table. */
const mostColumns = 1_990;
/** Rows a transaction. */
const transactionRows = 10_000;
/** Characters of a CSV that are gathered before they are written. */
const csvChars = 1 << 20;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Writes points as a table with one row for each device and time, as SQLite or as CSV; of one identity the last point counts. The file
 * appears when it is whole, in place of one of the same name.
 */
export class ExportFile implements Disposable {
  readonly #file: string;
  readonly #part: string;
  readonly #columns: readonly Column[];
  readonly #table: string;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  #inTransaction = 0;

  /** @throws {GaplineError} `data-invalid` where the table is too wide; errors of the file system */
  constructor(file: string, table: string, columns: readonly Column[]) {
    if (columns.length > mostColumns)
      throw new GaplineError('data-invalid', `${table} have ${columns.length} columns; a table takes ${mostColumns}`);
    this.#file = file;
    this.#part = `${file}.part`;
    this.#columns = columns;
    this.#table = quoted(table);
    // A folder that is not there, or that takes nothing, is named by this.
    closeSync(openSync(this.#part, 'w'));
    this.#db = new DatabaseSync(this.#part);
    const defined = columns.map(({ name, type }) => `, ${quoted(name)} ${type}`).join('');
    this.#db.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
      CREATE TABLE ${this.#table} (device TEXT NOT NULL, time TEXT NOT NULL, time_ns INTEGER NOT NULL${defined},
        PRIMARY KEY (device, time_ns)) WITHOUT ROWID`);
    const places = columns.map(() => ', ?').join('');
    this.#insert = this.#db.prepare(`INSERT OR REPLACE INTO ${this.#table} VALUES (?, ?, ?${places})`);
  }

  add({ device, time, fields }: Point): void {
    if (this.#inTransaction === 0) this.#db.exec('BEGIN');
    const cells = this.#columns.map(({ field }) => {
      const value = fields[field];
      return value === undefined ? null : typeof value === 'boolean' ? String(value) : value;
    });
    this.#insert.run(device, formatRfc3339(time), BigInt(time), ...cells);
    this.#inTransaction += 1;
    if (this.#inTransaction >= transactionRows) this.#commit();
  }

  /** @returns the number of rows */
  finish(): number {
    this.#commit();
    const [{ count = 0 } = {}] = this.#db.prepare(`SELECT count(*) AS count FROM ${this.#table}`).all();
    if (this.#file.endsWith('.csv')) this.#writeCsv(`${this.#part}.csv`);
    this.#db.close();
    renameSync(this.#file.endsWith('.csv') ? `${this.#part}.csv` : this.#part, this.#file);
    return Number(count);
  }

  #commit(): void {
    if (this.#inTransaction > 0) this.#db.exec('COMMIT');
    this.#inTransaction = 0;
  }

  #writeCsv(file: string): void {
    const handle = openSync(file, 'w');
    try {
      let text = `${['device', 'time', ...this.#columns.map(({ name }) => name)].map(csvCell).join(',')}\n`;
      const names = this.#columns.map(({ name }) => `, ${quoted(name)}`).join('');
      const rows = this.#db.prepare(`SELECT device, time${names} FROM ${this.#table} ORDER BY device, time_ns`);
      rows.setReturnArrays(true);
      for (const row of rows.iterate()) {
        const cells = row as unknown as (string | number | null)[];
        text += `${cells.map((cell) => (cell === null ? '' : csvCell(String(cell)))).join(',')}\n`;
        if (text.length < csvChars) continue;
        writeAll(handle, text);
        text = '';
      }
      writeAll(handle, text);
    } finally {
      closeSync(handle);
    }
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
    for (const file of [this.#part, `${this.#part}.csv`]) rmSync(file, { force: true });
  }
}

function writeAll(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}
