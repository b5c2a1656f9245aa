import type { LogRecord } from '../../core/log/port.ts';
import { maxNameLength, type ReadingRules } from '../../core/wire/reading-input.ts';
import { compareTimes, isImplausible } from '../../core/wire/time.ts';
import { viewOf } from '../../core/wire/words.ts';
import { FieldNames, repeatedName, unknownName } from '../field-names.ts';
import { IdentityCheck } from '../identity-check.ts';
import { nothing, RecordWriter } from '../record-writer.ts';
import { scanNumber, unusual } from '../scan-number.ts';
import { firstHash, hashed, SeenNames } from '../seen-names.ts';
import { maxFields, reservedTags, toNanoseconds } from './parse.ts';
import type { LineRecords } from './records.ts';

const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const equals = 0x3d;
const backslash = 0x5c;

/** Longer keys of a series or a field are left to the slow path, which knows InfluxDB's limit. */
const maxKeyLength = 20_000;
/** Lines with more tags are left to the slow path, which finds a repeated key without comparing each with each. */
const maxTags = 64;
/** Integers of so many characters are within 64 bits. */
const maxIntegerLength = 18;

export interface ScannedLines {
  readonly bytes: Buffer;
  readonly rules: ReadingRules;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly received: string;
  /** Returns a time of arrival that no other reading has. */
  readonly arrival: () => string;
}

export interface LineScannerOptions {
  readonly stream: string;
  readonly fields: readonly string[];
  readonly deviceTag: string;
  readonly measurement: string | undefined;
  readonly maxReadings: number;
}

/**
 * Checks the lines of a body and writes their records in one pass over its bytes. It takes lines of printable ASCII without escapes and
 * quotes, whose fields are numbers, each line a reading of its own; everything else, and everything that is wrong, is left to
 * `recordsOfLines`. What it takes becomes the same bytes there (tested).
 */
export class LineScanner {
  readonly #options: LineScannerOptions;
  readonly #names: FieldNames;
  readonly #writer: RecordWriter;
  /** Names of fields of this request that the stream does not know. */
  #unknown: string[] = [];
  /** Devices, measurements and tags. */
  readonly #seen = new SeenNames();
  #bytes: Buffer = nothing;
  #view = viewOf(nothing);
  #at = 0;

  constructor(options: LineScannerOptions) {
    this.#options = options;
    this.#names = new FieldNames(options.fields, '=');
    this.#writer = new RecordWriter(options.stream);
  }

  /** The records; undefined where the body is not one that this takes. */
  scan(body: ScannedLines): LineRecords | undefined {
    if (!this.#names.usable) return undefined;
    this.#bytes = body.bytes;
    this.#view = viewOf(body.bytes);
    this.#at = 0;
    this.#unknown = [];
    this.#writer.begin(body.bytes.length, body.received);
    const scanned = this.#scan(body);
    this.#bytes = nothing;
    this.#view = noView;
    const records = this.#writer.finish(scanned ?? []);
    if (scanned === undefined) return undefined;
    for (const name of this.#unknown) body.rules.unknown?.(name);
    return { records, refusal: undefined, ignoredFields: this.#unknown.length };
  }

  #scan(body: ScannedLines): LogRecord[] | undefined {
    const { bytes } = body;
    const identities = new IdentityCheck();
    const records: LogRecord[] = [];
    while (this.#at < bytes.length) {
      if (records.length === this.#options.maxReadings) return undefined;
      const end = bytes.indexOf(newline, this.#at);
      const record = this.#line(end < 0 ? bytes.length : end, body, identities);
      if (record === undefined) return undefined;
      records.push(record);
    }
    return records;
  }

  #line(end: number, body: ScannedLines, identities: IdentityCheck): LogRecord | undefined {
    const start = this.#at;
    const device = this.#device();
    if (device === undefined || this.#at - start > maxKeyLength) return undefined;
    const fieldsEnd = this.#timeStart(end);
    const time = fieldsEnd < end ? this.#time(fieldsEnd + 1, end, body.rules) : this.#arrival(start, end, body);
    if (time === undefined || identities.has(device, time)) return undefined;
    this.#writer.head(device, time, this.#bytes.length - start);
    if (!this.#fields(fieldsEnd)) return undefined;
    this.#at = end + 1;
    return this.#writer.end(device, undefined);
  }

  /** Only a line that is alone: several without a time may be one reading. */
  #arrival(start: number, end: number, { bytes, arrival }: ScannedLines): string | undefined {
    return start === 0 && end >= bytes.length - 1 ? arrival() : undefined;
  }

  /** Reads measurement and tags, up to the first field. */
  #device(): string | undefined {
    const { deviceTag, measurement } = this.#options;
    // A line that begins with a hash is a comment.
    if (this.#bytes[this.#at] === 0x23) return undefined;
    const found = this.#word(false);
    if (found === undefined || (measurement !== undefined && found !== measurement)) return undefined;
    let device: string | undefined;
    const keys: string[] = [];
    while (this.#bytes[this.#at] === comma) {
      if (keys.length === maxTags) return undefined;
      this.#at += 1;
      const key = this.#word(true);
      if (key === undefined || this.#bytes[this.#at] !== equals || reservedTags.has(key) || keys.includes(key))
        return undefined;
      keys.push(key);
      this.#at += 1;
      const value = this.#word(false);
      if (value === undefined || this.#bytes[this.#at] === equals) return undefined;
      if (key === deviceTag) device = value;
    }
    if (this.#bytes[this.#at] !== space) return undefined;
    this.#at += 1;
    return device !== undefined && device.length <= maxNameLength ? device : undefined;
  }

  /** Text up to a comma, a space or, in a key, an equals sign; undefined where it is empty, or not plain. */
  #word(key: boolean): string | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    let hash = firstHash;
    for (let code = bytes[at]; code !== comma && code !== space; code = bytes[++at]) {
      if (code === undefined || code < space || code > 0x7e || code === quote || code === backslash) return undefined;
      if (code === equals) {
        if (!key) return undefined;
        break;
      }
      hash = hashed(hash, code);
    }
    this.#at = at;
    return at === start ? undefined : this.#seen.text(bytes, start, at, hash);
  }

  /** The space before the digits at the end of the line; the end where there are none, so that the line has no time. */
  #timeStart(end: number): number {
    let at = end;
    while (isDigit(this.#bytes[at - 1])) at -= 1;
    return at < end && this.#bytes[at - 1] === space ? at - 1 : end;
  }

  #time(start: number, end: number, { precision, latest }: ReadingRules): string | undefined {
    const time = toNanoseconds(this.#bytes.toString('latin1', start, end), precision);
    return time !== null && !isImplausible(time) && compareTimes(time, latest) <= 0 ? time : undefined;
  }

  /** Copies the fields that the stream knows. There has to be one. */
  #fields(end: number): boolean {
    const { out } = this.#writer;
    const bytes = this.#bytes;
    const first = out.push(0x7b).at;
    this.#names.begin();
    for (let unknown = 0; this.#names.copied + unknown < maxFields; ) {
      this.#at = this.#names.copyMany(bytes, this.#view, this.#at, out);
      const before = out.at;
      const after = this.#names.copy(bytes, this.#at, out);
      if (after === repeatedName || (after === unknownName && !this.#unknownName())) return false;
      if (after > 0) this.#at = after;
      else unknown += 1;
      if (!this.#number()) return false;
      if (after === unknownName) out.at = before;
      if (this.#at === end) return this.#names.copied + unknown <= maxFields && this.#endFields(first);
      if (bytes[this.#at] !== comma) return false;
      if (after !== unknownName) out.push(comma);
      this.#at += 1;
    }
    return false;
  }

  /** The last field may be an unknown one, which leaves the comma of the one before. */
  #endFields(first: number): boolean {
    const { out } = this.#writer;
    if (out.at > first && out.bytes[out.at - 1] === comma) out.at -= 1;
    return out.push(0x7d).at > first + 1;
  }

  #unknownName(): boolean {
    const { unknown } = this.#names;
    if (unknown === undefined || !plainName.test(unknown)) return false;
    this.#at += unknown.length + 1;
    this.#unknown.push(unknown);
    return true;
  }

  /** Copies a number: a float, an integer or an unsigned one. */
  #number(): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = scanNumber(bytes, start, this.#writer.out);
    if (end === unusual) return false;
    const kind = bytes[end];
    this.#at = end;
    if (kind !== 0x69 && kind !== 0x75) return true;
    const negative = bytes[start] === 0x2d;
    if (end - start > maxIntegerLength || (negative && kind === 0x75)) return false;
    for (let at = negative ? start + 1 : start; at < end; at += 1) if (!isDigit(bytes[at])) return false;
    this.#at = end + 1;
    return true;
  }
}

const noView = viewOf(nothing);
/** A name of printable ASCII without what line protocol escapes or quotes. */
const plainName = /^[!#-+\--<>-[\]-~]+$/;

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}
