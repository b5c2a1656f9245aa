import { PackedWords, Words } from '../core/wire/words.ts';
import type { ByteWriter } from './record-writer.ts';
import { plainNumberEnd } from './scan-number.ts';
import { firstHash, hashed, SeenNames } from './seen-names.ts';

/** So many fields after the last one are compared before a name is looked up: a device leaves out fields, but keeps their order. */
const lookAhead = 8;
/** Longer names are not looked up. */
const longestLookUp = 1_024;

/** The stream has no such name; {@link FieldNames.unknown} is it. */
export const unknownName = -1;
/** The reading has the name already, or there is no room to copy it. */
export const repeatedName = -2;

const comma = 0x2c;
const space = 0x20;
/** The most bytes of a number that is copied as it is, with a comma behind it. */
const numberRoom = 20;

/** The names of a stream's values as bytes, found in the order in which a device sends them. */
export class FieldNames {
  readonly count: number;
  /** Whether `JSON.stringify` writes these names in the order of the device, each as the device does without escapes. */
  readonly usable: boolean;
  /** The name that was not found, each byte a character; undefined where it has no end. */
  unknown: string | undefined;
  /** Each name with what is around it in what the device sends, and in quotes with a colon. */
  readonly #sent: PackedWords;
  readonly #written: PackedWords;
  readonly #names: readonly Words[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** The reading in which a field occurred last. */
  readonly #occurred: Float64Array;
  readonly #isJson: boolean;
  readonly #terminator: number;
  readonly #seen = new SeenNames();
  /** Fields of this reading that were copied. */
  copied = 0;
  #reading = 0;
  #next = 0;

  /** @param terminator what follows a name in what the device sends */
  constructor(fields: readonly string[], terminator: '"' | '=') {
    this.count = fields.length;
    // An object has keys that look like an index before all others.
    this.usable = fields.every((name) => !/^\d+$/.test(name));
    this.#isJson = terminator === '"';
    const names = fields.map((name) => JSON.stringify(name).slice(1, -1));
    // Line protocol escapes these in its own way; whoever meets an escape leaves the line to the slow path.
    const plain = this.#isJson ? names : names.filter((name) => !/[\\ ,=]/.test(name));
    const written = plain.map((name) => `"${name}":`);
    this.#sent = new PackedWords(this.#isJson ? written : plain.map((name) => `${name}=`));
    this.#written = new PackedWords(written);
    this.#names = written.map((name) => new Words(Buffer.from(name)));
    this.#terminator = terminator.charCodeAt(0);
    this.#indexes = new Map(plain.map((name, index) => [Buffer.from(name).toString('latin1'), index]));
    this.#occurred = new Float64Array(plain.length);
  }

  /** Begins a reading. */
  begin(): void {
    this.#reading += 1;
    this.#next = 0;
    this.copied = 0;
  }

  /**
   * Copies fields, each with the comma behind it, as long as they come as most do: in the order of the stream, compact or with one space
   * where `json.dumps` of Python has one, a plain number or null each.
   * @returns where the first field begins that is otherwise
   */
  copyMany(bytes: Buffer, view: DataView, start: number, out: ByteWriter): number {
    const verbatim = this.#isJson ? this.#copyVerbatim(bytes, view, start, out) : start;
    return this.#copyEach(bytes, view, verbatim, out);
  }

  /** Compact JSON is written as it was sent: it is checked field by field, and copied at once. */
  #copyVerbatim(bytes: Buffer, view: DataView, start: number, out: ByteWriter): number {
    const sent = this.#sent;
    const occurred = this.#occurred;
    const reading = this.#reading;
    const count = occurred.length;
    const length = Math.min(bytes.length, start + out.bytes.length - out.at);
    let at = start;
    let next = this.#next;
    let copied = 0;
    for (;;) {
      const most = Math.min(next + lookAhead, count);
      let index = next;
      while (index < most && !sent.isAt(index, view, at, length)) index += 1;
      if (index >= most || occurred[index] === reading) break;
      const value = at + sent.lengthOf(index);
      const end = bytes[value] === 0x6e ? nullEnd(bytes, value) : plainNumberEnd(bytes, value);
      if (end < 0 || end >= length || bytes[end] !== comma) break;
      occurred[index] = reading;
      copied += 1;
      next = index + 1;
      at = end + 1;
    }
    if (at === start) return start;
    out.bytes.set(bytes.subarray(start, at), out.at);
    out.at += at - start;
    this.copied += copied;
    this.#next = next;
    return at;
  }

  #copyEach(bytes: Buffer, view: DataView, start: number, out: ByteWriter): number {
    const sent = this.#sent;
    const written = this.#written;
    const occurred = this.#occurred;
    const reading = this.#reading;
    const json = this.#isJson;
    const target = out.bytes;
    const targetView = out.view;
    const count = occurred.length;
    const length = bytes.length;
    let at = start;
    let to = out.at;
    let next = this.#next;
    for (;;) {
      const from = json && bytes[at] === space ? at + 1 : at;
      const most = Math.min(next + lookAhead, count);
      let index = next;
      while (index < most && !sent.isAt(index, view, from, length)) index += 1;
      if (index >= most || occurred[index] === reading) break;
      if (to + written.room(index) + numberRoom > target.length) break;
      let value = from + sent.lengthOf(index);
      if (json && bytes[value] === space) value += 1;
      const isNull = json && bytes[value] === 0x6e;
      const end = isNull ? nullEnd(bytes, value) : plainNumberEnd(bytes, value);
      const integer = !json && bytes[end] === 0x69 && !hasPoint(bytes, value, end);
      const behind = integer ? end + 1 : end;
      if (end < 0 || bytes[behind] !== comma) break;
      written.write(index, targetView, to);
      to += written.lengthOf(index);
      while (value < end) target[to++] = bytes[value++] ?? 0;
      target[to++] = comma;
      occurred[index] = reading;
      this.copied += 1;
      next = index + 1;
      at = behind + 1;
    }
    out.at = to;
    this.#next = next;
    return at;
  }

  /**
   * Copies the name that begins at `at`, in quotes and with a colon.
   * @returns the position after what follows the name; {@link unknownName} or {@link repeatedName}
   */
  copy(bytes: Buffer, at: number, out: ByteWriter): number {
    this.unknown = this.#textAt(bytes, at);
    if (this.unknown === undefined) return unknownName;
    const index = this.#indexes.get(this.unknown) ?? -1;
    const name = this.#names[index];
    if (name === undefined) return unknownName;
    if (this.#occurred[index] === this.#reading || !out.hasRoom(name.room)) return repeatedName;
    this.#occurred[index] = this.#reading;
    this.copied += 1;
    this.#next = index + 1;
    out.words(name);
    return at + this.unknown.length + 1;
  }

  /** The text up to the terminator. */
  #textAt(bytes: Buffer, at: number): string | undefined {
    const most = Math.min(bytes.length, at + longestLookUp);
    let hash = firstHash;
    for (let end = at; end < most; end += 1) {
      const code = bytes[end] ?? 0;
      if (code === this.#terminator) return this.#seen.text(bytes, at, end, hash);
      hash = hashed(hash, code);
    }
    return undefined;
  }
}

/** -1 where no null begins. */
function nullEnd(bytes: Buffer, at: number): number {
  return bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c ? at + 4 : -1;
}

function hasPoint(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === 0x2e) return true;
  return false;
}
