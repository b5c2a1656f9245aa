/** Bytes as words of four, so that they are compared and written four at a time. */
export class Words {
  /** Of the bytes. */
  readonly length: number;
  readonly #whole: Int32Array;
  /** The bytes after the whole words, and which bits of a word they are. */
  readonly #rest: number;
  readonly #restMask: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.length = bytes.length;
    this.#bytes = bytes;
    const padded = new DataView(new ArrayBuffer(bytes.length + 4));
    bytes.forEach((code, at) => {
      padded.setUint8(at, code);
    });
    this.#whole = Int32Array.from({ length: bytes.length >> 2 }, (_, word) => padded.getInt32(4 * word, true));
    this.#rest = padded.getInt32(4 * this.#whole.length, true);
    this.#restMask = (1 << (8 * (bytes.length & 3))) - 1;
  }

  /** So many bytes from where they are written have to be there. */
  get room(): number {
    return 4 * this.#whole.length + 4;
  }

  /** Whether these bytes stand at `at`. */
  isAt(view: DataView, at: number): boolean {
    const whole = this.#whole;
    const rest = at + 4 * whole.length;
    if (rest + 4 > view.byteLength) return this.#isAtEnd(view, at);
    // Names of one stream often begin alike, so the end is compared first.
    if ((view.getInt32(rest, true) & this.#restMask) !== this.#rest) return false;
    for (let word = whole.length - 1; word >= 0; word -= 1)
      if (view.getInt32(at + 4 * word, true) !== whole[word]) return false;
    return true;
  }

  /** A word more would be past the end. */
  #isAtEnd(view: DataView, at: number): boolean {
    return (
      at + this.length <= view.byteLength && this.#bytes.every((code, offset) => view.getUint8(at + offset) === code)
    );
  }

  /** Writes these bytes, and up to four more, which whoever writes on overwrites. */
  write(view: DataView, at: number): void {
    const whole = this.#whole;
    for (let word = 0; word < whole.length; word += 1) view.setInt32(at + 4 * word, whole[word] ?? 0, true);
    view.setInt32(at + 4 * whole.length, this.#rest, true);
  }
}

/** Many texts as words one after the other, which a loop over them finds close together. */
export class PackedWords {
  /** Of each text its whole words, and one with the rest. */
  readonly #words: Int32Array;
  /** By text, its first word; and the end. */
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;
  readonly #restMasks: Int32Array;

  constructor(texts: readonly string[]) {
    const all = texts.map((text) => Buffer.from(text));
    const words: number[] = [];
    const starts = [0];
    for (const bytes of all) {
      const padded = new DataView(new ArrayBuffer(bytes.length + 4));
      bytes.forEach((code, at) => {
        padded.setUint8(at, code);
      });
      for (let at = 0; at <= bytes.length; at += 4) words.push(padded.getInt32(at, true));
      starts.push(words.length);
    }
    this.#words = Int32Array.from(words);
    this.#starts = Int32Array.from(starts);
    this.#lengths = Int32Array.from(all, ({ length }) => length);
    this.#restMasks = Int32Array.from(all, ({ length }) => (1 << (8 * (length & 3))) - 1);
  }

  lengthOf(index: number): number {
    return this.#lengths[index] ?? 0;
  }

  /** So many bytes have to be there where a text is written. */
  room(index: number): number {
    return this.lengthOf(index) + 4;
  }

  /**
   * Whether a text stands at `at`; false too where less than {@link room} is left.
   * @param length of the view, which is slow to ask for
   */
  isAt(index: number, view: DataView, from: number, length: number): boolean {
    const words = this.#words;
    const last = (this.#starts[index + 1] ?? 0) - 1;
    if (from + this.room(index) > length) return false;
    let at = from;
    for (let word = this.#starts[index] ?? 0; word < last; word += 1) {
      if (view.getInt32(at, true) !== words[word]) return false;
      at += 4;
    }
    return (view.getInt32(at, true) & (this.#restMasks[index] ?? 0)) === words[last];
  }

  /** Writes a text, and up to four bytes more, which whoever writes on overwrites. */
  write(index: number, view: DataView, from: number): void {
    const words = this.#words;
    const end = this.#starts[index + 1] ?? 0;
    let at = from;
    for (let word = this.#starts[index] ?? 0; word < end; word += 1) {
      view.setInt32(at, words[word] ?? 0, true);
      at += 4;
    }
  }
}

/** The words of a buffer that was given. */
export const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, length);
