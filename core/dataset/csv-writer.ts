import { closeSync, openSync, writeSync } from 'node:fs';
import { cellText, type TableRecord } from './records.ts';

/** So much is gathered before it is written. */
const bufferBytes = 1 << 20;

/** Writes a CSV file, cell by cell. Closing it writes what is left. */
export class CsvWriter implements Disposable {
  readonly #handle: number;
  #bytes = Buffer.allocUnsafe(bufferBytes);
  #length = 0;

  constructor(file: string) {
    this.#handle = openSync(file, 'w');
  }

  header(names: readonly string[]): void {
    names.forEach((name, index) => {
      this.text(name, index === names.length - 1);
    });
  }

  /** A cell as bytes of a record. */
  cell(record: TableRecord, column: number, last: boolean): void {
    const { bytes, starts, ends } = record;
    const [from, to] = [starts[column]!, ends[column]!];
    if (needsQuotes(bytes, from, to)) {
      this.text(cellText(record, column), last);
      return;
    }
    this.#reserve(to - from + 1);
    bytes.copy(this.#bytes, this.#length, from, to);
    this.#length += to - from;
    this.#end(last);
  }

  text(text: string, last: boolean): void {
    const cell = Buffer.from(csvCell(text));
    this.#reserve(cell.length + 1);
    cell.copy(this.#bytes, this.#length);
    this.#length += cell.length;
    this.#end(last);
  }

  #end(last: boolean): void {
    this.#bytes[this.#length++] = last ? 0x0a : 0x2c;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    this.#flush();
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(length);
  }

  #flush(): void {
    let at = 0;
    while (at < this.#length) at += writeSync(this.#handle, this.#bytes, at, this.#length - at);
    this.#length = 0;
  }

  [Symbol.dispose](): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#handle);
    }
  }
}

/** A text as a cell, quoted where it would be read as something else without. */
export function csvCell(text: string): string {
  const bytes = Buffer.from(text);
  return needsQuotes(bytes, 0, bytes.length) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether a cell would be read as something else without quotes. */
function needsQuotes(bytes: Buffer, from: number, to: number): boolean {
  if (from === to) return false;
  for (let p = from; p < to; p++) {
    const byte = bytes[p]!;
    if (byte === 0x2c || byte === 0x22 || byte === 0x0a || byte === 0x0d) return true;
  }
  const first = bytes[from]!;
  // Space at the ends would be taken off, a hash at the beginning of a line may be a comment, a byte order mark is none of a cell.
  return (
    first === 0x20 ||
    first === 0x09 ||
    first === 0x23 ||
    first === 0xef ||
    bytes[to - 1] === 0x20 ||
    bytes[to - 1] === 0x09
  );
}
