import type { LogRecord } from '../../core/log/port.ts';
import { maxNameLength, type ReadingRules } from '../../core/wire/reading-input.ts';
import { compareTimes, isImplausible, readTime } from '../../core/wire/time.ts';
import { viewOf, Words } from '../../core/wire/words.ts';
import { FieldNames } from '../field-names.ts';
import { IdentityCheck } from '../identity-check.ts';
import { nothing, RecordWriter } from '../record-writer.ts';
import { scanNumber, unusual } from '../scan-number.ts';
import { firstHash, hashed, SeenNames } from '../seen-names.ts';
import type { BodyForm } from './content-type.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const newline = 0x0a;
const open = 0x7b;
const close = 0x7d;

const wordsOf = (text: string): Words => new Words(Buffer.from(text));
/** The members of a reading, with the quote that ends their names. */
const deviceKey = wordsOf('device"');
const timeKey = wordsOf('time"');
const valuesKey = wordsOf('values"');
const truthKey = wordsOf('truth"');
const keys = [deviceKey, timeKey, valuesKey, truthKey];
const nullText = wordsOf('null');
const noView = viewOf(nothing);

export interface ScannedBody {
  readonly bytes: Buffer;
  readonly form: BodyForm;
  readonly rules: ReadingRules;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly received: string;
}

/**
 * Checks the readings of a body and writes their records in one pass over its bytes. It takes what devices usually send, and leaves
 * everything else, and everything that is wrong, to `recordsOfBody`; what it takes becomes the same bytes there (tested).
 */
export class ReadingScanner {
  readonly #names: FieldNames;
  readonly #writer: RecordWriter;
  readonly #maxReadings: number;
  /** Devices and labels. */
  readonly #seen = new SeenNames();
  #bytes: Buffer = nothing;
  #view = noView;
  #at = 0;
  /** In NDJSON a line break ends the reading; elsewhere it is white space. */
  #lines = false;

  constructor(options: { stream: string; fields: readonly string[]; maxReadings: number }) {
    this.#names = new FieldNames(options.fields, '"');
    this.#writer = new RecordWriter(options.stream);
    this.#maxReadings = options.maxReadings;
  }

  /** The records; undefined where the body is not one that this takes. */
  scan(body: ScannedBody): LogRecord[] | undefined {
    if (!this.#names.usable || this.#names.count > this.#maxReadings) return undefined;
    this.#bytes = body.bytes;
    this.#view = viewOf(body.bytes);
    this.#at = 0;
    this.#lines = body.form === 'ndjson';
    this.#writer.begin(body.bytes.length, body.received);
    const scanned = this.#scan(body);
    this.#bytes = nothing;
    this.#view = noView;
    const records = this.#writer.finish(scanned ?? []);
    return scanned && records;
  }

  #scan({ bytes, rules }: ScannedBody): LogRecord[] | undefined {
    const identities = new IdentityCheck();
    const array = !this.#lines && this.#next() === 0x5b;
    if (array) this.#at += 1;
    const records: LogRecord[] = [];
    do {
      if (this.#lines && !this.#toNextLine()) break;
      if (records.length === this.#maxReadings) return undefined;
      const record = this.#reading(rules, identities);
      if (record === undefined) return undefined;
      records.push(record);
    } while (this.#lines ? this.#endOfLine() : array && this.#take(comma));
    if (array && !this.#take(0x5d)) return undefined;
    this.#next();
    return this.#at === bytes.length && records.length > 0 ? records : undefined;
  }

  /** Skips white space. Returns the byte after it; undefined at the end. */
  #next(): number | undefined {
    const bytes = this.#bytes;
    let code = bytes[this.#at];
    while (code === 0x20 || code === 0x09 || code === 0x0d || (code === newline && !this.#lines))
      code = bytes[++this.#at];
    return code;
  }

  #take(wanted: number): boolean {
    if (this.#next() !== wanted) return false;
    this.#at += 1;
    return true;
  }

  /** Skips lines without content; false at the end of the body. */
  #toNextLine(): boolean {
    while (this.#next() === newline) this.#at += 1;
    return this.#at < this.#bytes.length;
  }

  #endOfLine(): boolean {
    return this.#next() === newline;
  }

  #reading(rules: ReadingRules, identities: IdentityCheck): LogRecord | undefined {
    const writer = this.#writer;
    if (!this.#take(open)) return undefined;
    let device: string | undefined;
    let time: string | undefined;
    let truth: string | undefined;
    let values = false;
    const left = this.#bytes.length - this.#at;
    do {
      const key = this.#key();
      if (key === deviceKey && device === undefined) device = this.#name();
      else if (key === timeKey && time === undefined) time = this.#time(rules);
      else if (key === truthKey && truth === undefined) truth = this.#name();
      else if (key === valuesKey && !values && device !== undefined && time !== undefined) {
        values = true;
        writer.head(device, time, left);
        if (!this.#values()) return undefined;
        continue;
      } else return undefined;
      if ((key === deviceKey ? device : key === timeKey ? time : truth) === undefined) return undefined;
    } while (this.#take(comma));
    if (!this.#take(close) || !values || device === undefined || time === undefined) return undefined;
    if (identities.has(device, time)) return undefined;
    return writer.end(device, truth);
  }

  /** Which member begins here; its colon is behind then. */
  #key(): Words | undefined {
    if (!this.#take(quote)) return undefined;
    for (const key of keys) {
      if (!key.isAt(this.#view, this.#at)) continue;
      this.#at += key.length;
      return this.#take(colon) ? key : undefined;
    }
    return undefined;
  }

  /** A name of printable ASCII without escapes; its bytes are the same in the record. */
  #name(): string | undefined {
    if (!this.#take(quote)) return undefined;
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let hash = firstHash;
    for (let code = bytes[at]; code !== quote; code = bytes[++at]) {
      if (code === undefined || !isPlain(code)) return undefined;
      hash = hashed(hash, code);
    }
    this.#at = at + 1;
    return at === start || at - start > maxNameLength ? undefined : this.#seen.text(bytes, start, at, hash);
  }

  /** A time as text; none comes twice. */
  #timeText(): string | undefined {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let at = start;
    for (let code = bytes[at]; code !== quote; code = bytes[++at])
      if (code === undefined || !isPlain(code)) return undefined;
    this.#at = at + 1;
    return bytes.toString('latin1', start, at);
  }

  #time({ precision, latest }: ReadingRules): string | undefined {
    const time = this.#next() === quote ? this.#timeText() : this.#integer();
    const read = time === undefined ? null : readTime(time, precision);
    const sound = read !== null && read[0] !== '-' && !isImplausible(read) && compareTimes(read, latest) <= 0;
    return sound ? read : undefined;
  }

  #integer(): number | undefined {
    const start = this.#at;
    let at = start;
    while (isDigit(this.#bytes[at])) at += 1;
    // What may follow an integer is checked by whoever reads on: neither a point nor an exponent may.
    if (at === start || at - start > 16 || (this.#bytes[start] === 0x30 && at > start + 1)) return undefined;
    this.#at = at;
    return Number(this.#bytes.toString('latin1', start, at));
  }

  /** Copies the object of values without its white space, each number as `JSON.stringify` writes it. */
  #values(): boolean {
    const { out } = this.#writer;
    const names = this.#names;
    if (!this.#take(open)) return false;
    out.push(open);
    names.begin();
    if (this.#take(close)) {
      out.push(close);
      return true;
    }
    for (;;) {
      this.#at = names.copyMany(this.#bytes, this.#view, this.#at, out);
      if (!this.#take(quote)) return false;
      const end = names.copy(this.#bytes, this.#at, out);
      if (end < 0) return false;
      this.#at = end;
      if (!this.#take(colon)) return false;
      if (!this.#value()) return false;
      const after = this.#next();
      if (after !== comma && after !== close) return false;
      this.#at += 1;
      out.push(after);
      if (after === close) return true;
    }
  }

  #value(): boolean {
    const { out } = this.#writer;
    const bytes = this.#bytes;
    if (this.#next() === 0x6e) {
      if (!nullText.isAt(this.#view, this.#at) || !out.hasRoom(nullText.room)) return false;
      this.#at += nullText.length;
      out.words(nullText);
      return true;
    }
    const end = scanNumber(bytes, this.#at, out);
    if (end === unusual) return false;
    this.#at = end;
    return true;
  }
}

/** Printable ASCII that needs no escape. */
function isPlain(code: number): boolean {
  return code >= 0x20 && code <= 0x7e && code !== 0x5c;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}
