const firstRoom = 1 << 16;
/**
 * Bytes are copied by eight, as a double: no eight bytes of UTF-8 are a NaN, whose bits might change. For that the last of them would have
 * to be 7F, and the one before it the first byte of a longer character.
 */
const wordBytes = 8;

const [zero, point, minus] = [0x30, 0x2e, 0x2d];
/** Integers up to here have 32 bits. */
const mostInteger = 10 ** 9 - 1;
/** With more digits behind the point than zeros here, small numbers have an exponent. */
const powers = Float64Array.from({ length: 7 }, (_, digits) => 10 ** digits);

/** A text that is written often, as its bytes: in words, the last one filled up with zeros. */
export interface Template {
  readonly words: Float64Array;
  readonly length: number;
}

export function templateOf(text: string): Template {
  const bytes = Buffer.from(text);
  const words = new Float64Array(Math.ceil(bytes.length / wordBytes));
  new Uint8Array(words.buffer).set(bytes);
  return { words, length: bytes.length };
}

/** The bytes of a table, in room that grows. Room for what is written is asked for before; it may reach a word further. */
export class CsvBytes {
  length = 0;
  #bytes = Buffer.from(new ArrayBuffer(firstRoom));
  view = new DataView(this.#bytes.buffer);

  get written(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer, 0, this.length);
  }

  reserve(length: number): void {
    const needed = this.length + length + wordBytes;
    if (needed <= this.#bytes.length) return;
    const wider = Buffer.from(new ArrayBuffer(Math.max(needed, 2 * this.#bytes.length)));
    wider.set(this.written);
    this.#bytes = wider;
    this.view = new DataView(wider.buffer);
  }

  byte(value: number): void {
    this.#bytes[this.length++] = value;
  }

  /** Up to four bytes, the first of them in the lowest bits. */
  word(value: number, length: number): void {
    this.view.setInt32(this.length, value, true);
    this.length += length;
  }

  template({ words, length }: Template): void {
    const { view } = this;
    let at = this.length;
    for (let index = 0; index < words.length; index += 1) {
      view.setFloat64(at, words[index]!, true);
      at += wordBytes;
    }
    this.length += length;
  }

  /**
   * A number as `String` writes it, for which there is room. Most have few digits: those are found by trying, which is much faster. They are
   * the only ones of 15 digits or fewer that are read as this number.
   */
  number(value: number): void {
    const size = Math.abs(value);
    for (let decimals = 0; decimals < powers.length; decimals += 1) {
      const power = powers[decimals]!;
      const integer = Math.round(size * power);
      if (integer > mostInteger) break;
      if (integer / power !== size) continue;
      // Zero has a sign as well.
      if (value < 0 || Object.is(value, -0)) this.byte(minus);
      this.#digits(integer, decimals);
      return;
    }
    this.#ascii(String(value));
  }

  /** From the last one on. */
  #digits(integer: number, decimals: number): void {
    let count = decimals + 1;
    for (let bound = powers[count] ?? 1e7; integer >= bound; bound *= 10) count += 1;
    const bytes = this.#bytes;
    let at = this.length + count + (decimals > 0 ? 1 : 0);
    this.length = at;
    let rest = integer | 0;
    for (let digit = 0; digit < count; digit += 1) {
      if (digit === decimals && decimals > 0) bytes[--at] = point;
      const next = (rest / 10) | 0;
      bytes[--at] = zero + rest - next * 10;
      rest = next;
    }
  }

  #ascii(text: string): void {
    const bytes = this.#bytes;
    const at = this.length;
    for (let index = 0; index < text.length; index += 1) bytes[at + index] = text.charCodeAt(index);
    this.length = at + text.length;
  }

  /** A text of any length; asks for its room itself. */
  text(text: string): void {
    this.reserve(3 * text.length);
    this.length += this.#bytes.write(text, this.length);
  }
}
