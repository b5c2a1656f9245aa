import { GaplineError } from '../wire/errors.ts';
import { CellDigits, shapes } from './digits.ts';
import { isGap } from './gap-words.ts';
import { checkText } from './source.ts';

/** A longer line, or what an open quote swallows, is no table. */
export const mostLineBytes = 16 << 20;
/** A longer cell is no measurement, and no text that anybody wrote by hand. */
export const mostCellBytes = 1 << 20;
/** More columns are no table of readings. */
export const mostColumns = 100_000;

/** One record of a table while it is visited: cells as ranges of bytes (UTF-8), without quotes and the space around them. */
export interface TableRecord {
  readonly file: string;
  /** What {@link TableRecord.line} counts. */
  readonly counts: 'line' | 'row';
  readonly bytes: Buffer;
  /** How many cells there are. */
  readonly cells: number;
  /** First byte of each cell, and the one after its last. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Where digits were read while the record was cut. */
  readonly digits?: CellDigits | undefined;
  /** Of the file, from 1: where the record begins. */
  readonly line: number;
}

export type Visit = (record: TableRecord) => void;

const [newline, carriageReturn, doubleQuote, space, tab, hash] = [10, 13, 34, 32, 9, 35];

/** How a text is cut into records. */
export interface RecordOptions {
  readonly file: string;
  /** One ASCII character; ` ` stands for any run of spaces and tabs. */
  readonly delimiter: string;
  /** What stands around text; default: double quotes. */
  readonly quote?: '"' | "'" | undefined;
  /** A line that begins with `#` and has another number of cells is a comment. Undefined: there are no comments. */
  readonly width?: number;
  /** The line of the first byte; default 1. */
  readonly line?: number;
  /** Records after which nothing more is read. Default: all are. */
  readonly most?: number;
}

/**
 * Cuts bytes that arrive in chunks into records. Quotes, any end of line and empty lines are understood. What is kept between chunks
 * is at most one unfinished line.
 */
export class RecordReader implements TableRecord {
  readonly file: string;
  readonly counts = 'line';
  bytes: Buffer = Buffer.alloc(0);
  cells = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  readonly digits = new CellDigits();
  line: number;
  /** Lines that were skipped as comments. */
  comments = 0;
  readonly #width: number | undefined;
  readonly #visit: Visit;
  readonly #delimiter: number;
  readonly #quote: number;
  /** By byte: whether it ends a cell without quotes. */
  readonly #stops = new Uint8Array(256);
  /** Whether a cell of the record has doubled quotes in it. */
  #doubled = new Uint8Array(64);
  #anyDoubled = false;
  /** The line that is being read, and where it is up to. */
  #at = 0;
  #lines: number;
  #end = 0;
  #last = false;
  /** Records that may still be visited. */
  #left: number;

  constructor(options: RecordOptions, visit: Visit) {
    this.file = options.file;
    this.#width = options.width;
    this.#visit = visit;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#quote = options.quote?.charCodeAt(0) ?? doubleQuote;
    for (const byte of [this.#delimiter, newline, carriageReturn]) this.#stops[byte] = 1;
    if (this.#delimiter === space) this.#stops[tab] = 1;
    this.#lines = options.line ?? 1;
    this.#left = options.most ?? Number.POSITIVE_INFINITY;
    this.line = this.#lines;
  }

  /** Whether as many records were visited as are wanted. */
  get done(): boolean {
    return this.#left <= 0;
  }

  /** @throws {GaplineError} `data-invalid` naming file and line. */
  feed(chunk: Buffer): void {
    const kept = this.#end - this.#at;
    if (kept > mostLineBytes) this.#fail(`the line is longer than ${mostLineBytes >> 20} MB; is a quote left open?`);
    this.#reserve(kept + chunk.length + 1);
    this.bytes.copyWithin(0, this.#at, this.#end);
    chunk.copy(this.bytes, kept);
    this.#take(kept + chunk.length);
  }

  /** Reads what is left: a last line without an end. */
  end(): void {
    this.#last = true;
    const kept = this.#end - this.#at;
    this.#reserve(kept + 1);
    this.bytes.copyWithin(0, this.#at, this.#end);
    this.#take(kept);
  }

  #reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const longer = Buffer.allocUnsafe(length * 2);
    this.bytes.copy(longer);
    this.bytes = longer;
  }

  #take(length: number): void {
    const { bytes } = this;
    this.#end = length;
    // Ends every loop over the bytes of a cell without a check of its own.
    bytes[this.#end] = newline;
    this.#at = 0;
    const complete = this.#last || length === 0 ? length : Math.max(bytes.lastIndexOf(newline, length - 1), 0);
    checkText(this.file, bytes.subarray(0, complete), this.#lines);
    while (this.#at < this.#end && this.#left > 0 && this.#record()) {}
  }

  /** Reads one record; false where its end has not arrived. */
  #record(): boolean {
    const { bytes } = this;
    let at = this.#at;
    while (bytes[at] === newline || bytes[at] === carriageReturn) {
      const endsChunk = at + 1 === this.#end && bytes[at] === carriageReturn && !this.#last;
      if (at === this.#end || endsChunk) return false;
      if (bytes[at] === newline || bytes[at + 1] !== newline) this.#lines += 1;
      at += 1;
      this.#at = at;
    }
    if (at >= this.#end) return false;
    this.line = this.#lines;
    this.cells = 0;
    this.#anyDoubled = false;
    if (bytes[at] === hash && this.#width !== undefined) {
      const next = this.#afterComment(at);
      if (next < 0) return false;
      if (next > 0) {
        this.#at = next;
        this.comments += 1;
        return true;
      }
    }
    const lines = this.#lines;
    const next = this.#delimiter === space ? this.#splitSpaced(at) : this.#split(at);
    if (next < 0) {
      this.#lines = lines;
      return false;
    }
    this.#at = next;
    if (this.#anyDoubled) this.#undouble();
    if (this.cells === 0) return true;
    this.#left -= 1;
    this.#visit(this);
    return true;
  }

  /** The end of a comment; 0 where the line is data that begins with a hash (`#N/A`), -1 where its end has not arrived. */
  #afterComment(at: number): number {
    const { bytes } = this;
    let cells = 1;
    let first = -1;
    let open = false;
    let p = at;
    for (; bytes[p] !== newline && bytes[p] !== carriageReturn; p++) {
      if (bytes[p] === this.#quote) open = !open;
      if (bytes[p] !== this.#delimiter || open) continue;
      cells += 1;
      if (first < 0) first = p;
    }
    if (p === this.#end && !this.#last) return -1;
    const isWord = isGap(bytes.toString('utf8', at, first < 0 ? p : first).trim());
    return isWord || cells >= this.#width! ? 0 : p;
  }

  /** @returns where the next record begins, at its end of line; -1 where the record's end has not arrived. */
  #split(at: number): number {
    const { bytes, digits } = this;
    const quote = this.#quote;
    const delimiter = this.#delimiter;
    const padding = delimiter === tab ? space : tab;
    const stops = this.#stops;
    const last = this.#end;
    let { starts, ends } = this;
    let cells = 0;
    let p = at;
    for (;;) {
      if (cells === starts.length) {
        this.#grow();
        ({ starts, ends } = this);
      }
      while (bytes[p] === space || bytes[p] === padding) p += 1;
      if (bytes[p] === quote) {
        this.cells = cells;
        p = this.#quoted(p);
        if (p < 0) return -1;
        while (bytes[p] === space || bytes[p] === padding) p += 1;
        if (p < last && stops[bytes[p]!] === 0)
          this.#fail('there is text after a closing quote; a quote within a quoted cell is written twice');
      } else {
        const start = p;
        p = digits.read(bytes, p, delimiter, cells);
        let end = p;
        if (stops[bytes[p]!] === 0) {
          digits.shapes[cells] = shapes.unread;
          while (stops[bytes[p]!] === 0) p += 1;
          end = p;
          while (end > start && (bytes[end - 1] === space || bytes[end - 1] === padding)) end -= 1;
          if (end - start > mostCellBytes) this.#failLong(cells);
        }
        starts[cells] = start;
        ends[cells] = end;
      }
      if (p === last && !this.#last) return -1;
      cells += 1;
      if (bytes[p] !== delimiter || p === last) break;
      p += 1;
    }
    this.cells = cells;
    return this.#skipBlank(p);
  }

  /** Reads the cell after an opening quote. @returns what follows its closing quote; -1 where that has not arrived. */
  #quoted(open: number): number {
    const { bytes } = this;
    const start = open + 1;
    let doubled = false;
    let p = start;
    for (; ; p += 1) {
      p = bytes.indexOf(this.#quote, p);
      if (p < 0 || p >= this.#end) return this.#openQuote(start);
      if (bytes[p + 1] !== this.#quote) break;
      if (p + 1 === this.#end) return this.#openQuote(start);
      doubled = true;
      p += 1;
    }
    this.#countLines(start, p);
    this.#cell(start, p);
    if (!doubled) return p + 1;
    if (!this.#anyDoubled) this.#doubled.fill(0);
    this.#anyDoubled = true;
    this.#doubled[this.cells] = 1;
    return p + 1;
  }

  /** A line of nothing but space is none. */
  #skipBlank(end: number): number {
    if (this.cells === 1 && this.starts[0] === this.ends[0] && this.bytes[this.starts[0]! - 1] !== this.#quote)
      this.cells = 0;
    return end;
  }

  /** As {@link RecordReader.#split}, where runs of spaces and tabs part the cells. */
  #splitSpaced(at: number): number {
    const { bytes, digits } = this;
    const stops = this.#stops;
    let p = at;
    for (;;) {
      while (bytes[p] === space || bytes[p] === tab) p += 1;
      if (p === this.#end && !this.#last) return -1;
      if (p === this.#end || bytes[p] === newline || bytes[p] === carriageReturn) return p;
      if (this.cells === this.starts.length) this.#grow();
      const start = p;
      if (bytes[p] === this.#quote) {
        p = bytes.indexOf(this.#quote, start + 1);
        if (p < 0 || p >= this.#end) return this.#openQuote(start + 1);
        this.#countLines(start, p);
        this.#cell(start + 1, p);
        p += 1;
      } else {
        p = digits.read(bytes, p, space, this.cells);
        const isPlain = stops[bytes[p]!] !== 0;
        while (stops[bytes[p]!] === 0) p += 1;
        if (isPlain) {
          this.starts[this.cells] = start;
          this.ends[this.cells] = p;
        } else this.#cell(start, p);
      }
      if (p === this.#end && !this.#last) return -1;
      this.cells += 1;
    }
  }

  #openQuote(start: number): number {
    if (this.#last) this.#fail('a quote is left open');
    if (this.#end - start > mostCellBytes) this.#failLong(this.cells);
    return -1;
  }

  /** Notes where a cell stands that is not a plain number. */
  #cell(start: number, end: number): void {
    if (end - start > mostCellBytes) this.#failLong(this.cells);
    this.digits.shapes[this.cells] = shapes.unread;
    this.starts[this.cells] = start;
    this.ends[this.cells] = end;
  }

  #failLong(cell: number): never {
    this.#fail(`cell ${cell + 1} is longer than ${mostCellBytes >> 20} MB; is a quote left open?`);
  }

  #grow(): void {
    if (this.starts.length >= mostColumns) this.#fail(`there are more than ${mostColumns} cells`);
    const wider = (from: Int32Array) => {
      const to = new Int32Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.starts = wider(this.starts);
    this.ends = wider(this.ends);
    this.digits.grow();
    const doubled = new Uint8Array(this.#doubled.length * 2);
    doubled.set(this.#doubled);
    this.#doubled = doubled;
  }

  #countLines(from: number, to: number): void {
    for (let p = from; p < to; p++)
      if (this.bytes[p] === newline || (this.bytes[p] === carriageReturn && this.bytes[p + 1] !== newline))
        this.#lines += 1;
  }

  /** Takes one of each two quotes out, in place. */
  #undouble(): void {
    const { bytes } = this;
    for (let cell = 0; cell < this.cells; cell++) {
      if (this.#doubled[cell] === 0) continue;
      let to = this.starts[cell]!;
      for (let from = to; from < this.ends[cell]!; from++) {
        bytes[to++] = bytes[from]!;
        if (bytes[from] === this.#quote) from += 1;
      }
      this.ends[cell] = to;
    }
  }

  #fail(detail: string): never {
    throw new GaplineError('data-invalid', `${this.file}: line ${this.line}: ${detail}`);
  }
}

/** The text of one cell. */
export function cellText({ bytes, starts, ends }: TableRecord, cell: number): string {
  return bytes.toString('utf8', starts[cell], ends[cell]);
}

/** Where a record stands, for messages. */
export const placeOf = ({ file, counts, line }: Pick<TableRecord, 'file' | 'counts' | 'line'>): string =>
  `${file}: ${counts} ${line}`;
