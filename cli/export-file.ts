import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { csvCell } from '../core/dataset/csv-writer.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Point } from '../core/wire/point.ts';
import { formatRfc3339 } from '../core/wire/time.ts';
import type { Column } from './export-column.ts';
import { type ExportRow, writeParquet } from './export-parquet.ts';

/** SQLite makes no wider table. */
const mostColumns = 1_990;
/** Rows a transaction. */
const transactionRows = 10_000;
/** Characters of a CSV that are gathered before they are written. */
const csvChars = 1 << 20;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const endings = ['.csv', '.parquet', '.sqlite'] as const;
type Ending = (typeof endings)[number];

/**
 * The form in which a file is written, by its name.
 * @throws {GaplineError} `config-invalid` where it names none
 */
export function exportForm(file: string): Ending {
  const ending = endings.find((one) => file.endsWith(one));
  if (ending) return ending;
  throw new GaplineError(
    'config-invalid',
    `--to ${file}: expected a file that ends in ${endings.join(', ')}; or a folder with --format parquet, or s3://BUCKET/PREFIX`,
  );
}

/**
 * Writes points as a table with one row for each device and time, as SQLite, CSV or Parquet; of one identity the last point counts. The
 * file appears when it is whole, in place of one of the same name. SQLite puts the rows of every form in order, on the disk.
 */
export class ExportFile implements Disposable {
  readonly #file: string;
  readonly #ending: Ending;
  readonly #part: string;
  /** What becomes of the rows where that is another form. */
  readonly #other: string;
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
    this.#ending = exportForm(file);
    this.#part = `${file}.part`;
    this.#other = `${this.#part}${this.#ending}`;
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
  async finish(): Promise<number> {
    this.#commit();
    const [{ count = 0 } = {}] = this.#db.prepare(`SELECT count(*) AS count FROM ${this.#table}`).all();
    if (this.#ending === '.csv') this.#writeCsv();
    if (this.#ending === '.parquet') await writeParquet(this.#other, this.#columns, this.#rows<ExportRow>('time_ns'));
    this.#db.close();
    renameSync(this.#ending === '.sqlite' ? this.#part : this.#other, this.#file);
    return Number(count);
  }

  /** By device and time: device, the time in this form, and the columns. */
  *#rows<Row>(time: 'time' | 'time_ns'): Generator<Row> {
    const names = this.#columns.map(({ name }) => `, ${quoted(name)}`).join('');
    const rows = this.#db.prepare(`SELECT device, ${time}${names} FROM ${this.#table} ORDER BY device, time_ns`);
    rows.setReturnArrays(true);
    // No column but the time is of whole numbers.
    rows.setReadBigInts(true);
    for (const row of rows.iterate()) yield row as unknown as Row;
  }

  #commit(): void {
    if (this.#inTransaction > 0) this.#db.exec('COMMIT');
    this.#inTransaction = 0;
  }

  #writeCsv(): void {
    const handle = openSync(this.#other, 'w');
    try {
      let text = `${['device', 'time', ...this.#columns.map(({ name }) => name)].map(csvCell).join(',')}\n`;
      for (const row of this.#rows<(string | number | null)[]>('time')) {
        text += `${row.map((cell) => (cell === null ? '' : csvCell(String(cell)))).join(',')}\n`;
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
    for (const file of [this.#part, this.#other]) rmSync(file, { force: true });
  }
}

function writeAll(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}
