import type { ByteWriter } from './record-writer.ts';

/** So many fields after the last one are compared before a name is looked up: a device leaves out fields, but keeps their order. */
const lookAhead = 8;

/** The stream has no such name. */
export const unknownName = -1;
/** The reading has the name already. */
export const repeatedName = -2;

/** The names of a stream's values as bytes, found in the order in which a device sends them. */
export class FieldNames {
  readonly count: number;
  /** Whether `JSON.stringify` writes these names in the order of the device, each as the device does without escapes. */
  readonly usable: boolean;
  readonly #names: readonly Buffer[];
  readonly #indexes: ReadonlyMap<string, number>;
  /** The reading in which a field occurred last. */
  readonly #seen: Float64Array;
  readonly #terminator: number;
  #reading = 0;
  #next = 0;

  /** @param terminator what follows a name in what the device sends */
  constructor(fields: readonly string[], terminator: '"' | '=') {
    this.count = fields.length;
    // An object has keys that look like an index before all others.
    this.usable = fields.every((name) => !/^\d+$/.test(name));
    const names = fields.map((name) => JSON.stringify(name).slice(1, -1));
    // Line protocol escapes these in its own way; whoever meets an escape leaves the line to the slow path.
    const plain = terminator === '"' ? names : names.filter((name) => !/[\\ ,=]/.test(name));
    this.#names = plain.map((name) => Buffer.from(name + terminator));
    this.#terminator = terminator.charCodeAt(0);
    this.#indexes = new Map(this.#names.map((bytes, index) => [bytes.toString('latin1', 0, bytes.length - 1), index]));
    this.#seen = new Float64Array(plain.length);
  }

  /** Begins a reading. */
  begin(): void {
    this.#reading += 1;
    this.#next = 0;
  }

  /**
   * Copies the name that begins at `at`, in quotes.
   * @returns the position after what follows the name; {@link unknownName} or {@link repeatedName}
   */
  copy(bytes: Uint8Array, at: number, out: ByteWriter): number {
    const index = this.#find(bytes, at);
    const name = this.#names[index];
    if (name === undefined) return unknownName;
    if (this.#seen[index] === this.#reading) return repeatedName;
    this.#seen[index] = this.#reading;
    this.#next = index + 1;
    out.push(0x22);
    const target = out.bytes;
    const from = out.at;
    const length = name.length - 1;
    for (let offset = 0; offset < length; offset += 1) target[from + offset] = name[offset] ?? 0;
    target[from + length] = 0x22;
    out.at = from + name.length;
    return at + name.length;
  }

  #find(bytes: Uint8Array, at: number): number {
    const most = Math.min(this.#next + lookAhead, this.#names.length);
    for (let index = this.#next; index < most; index += 1) if (this.#isAt(index, bytes, at)) return index;
    const end = bytes.indexOf(this.#terminator, at);
    if (end < 0) return -1;
    return this.#indexes.get(Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1')) ?? -1;
  }

  /** What follows the name is compared too. */
  #isAt(index: number, bytes: Uint8Array, at: number): boolean {
    const name = this.#names[index];
    if (name === undefined) return false;
    // Names of one stream often begin alike, so the end is compared first.
    for (let offset = name.length - 1; offset >= 0; offset -= 1) if (bytes[at + offset] !== name[offset]) return false;
    return true;
  }
}
