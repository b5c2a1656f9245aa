import { pageBytes } from '../core/numeric/arena.ts';
import { signedPowersOfTen } from '../core/numeric/plain-decimal-kernel.ts';
import { JsonNumberScanner } from '../core/numeric/scan-json-numbers.ts';
import { blockBytes, instantiateValues, keyBytes, stateWords } from './values-kernel.ts';

const [comma, closing] = [0x2c, 0x7d];
const doubleBytes = 8;
const [state, powers] = [0, blockBytes];
const keysFrom = powers + signedPowersOfTen.byteLength;
/** Bytes of text for which there is room to begin with; a longer one makes more. */
const firstText = 4_096;

/** Reads values by name out of JSON, in WebAssembly but for numbers that are not plain decimals. */
export class ValuesScanner {
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: ReturnType<typeof instantiateValues>;
  readonly #numbers = new JsonNumberScanner();
  /** By key, how long it is. */
  readonly #lengths: Int32Array;
  readonly #keyBytes: number;
  readonly #keysEnd: number;
  readonly #textFrom: number;
  /** What may be read beyond a text: a key, and a number behind it. */
  readonly #lookahead: number;
  #views: ReturnType<typeof viewsOf>;
  /** How many values were numbers. */
  present = 0;

  /** @param names - in the order in which they come, with quotes and colon */
  constructor(names: readonly string[]) {
    const keys = names.map((name) => Buffer.from(name));
    const blocks = Math.ceil(Math.max(...keys.map(({ length }) => length)) / blockBytes);
    this.#lengths = Int32Array.from(keys, ({ length }) => length);
    this.#keyBytes = keyBytes(blocks);
    this.#keysEnd = keysFrom + keys.length * this.#keyBytes;
    this.#textFrom = this.#keysEnd + keys.length * doubleBytes;
    this.#lookahead = 2 * blockBytes * blocks + 2 * blockBytes;
    const initial = Math.ceil((this.#textFrom + firstText + this.#lookahead) / pageBytes);
    this.#memory = new WebAssembly.Memory({ initial });
    this.#kernel = instantiateValues(this.#memory, { powers, state, blocks });
    this.#views = viewsOf(this.#memory, this.#keysEnd, keys.length);
    const { bytes, words } = this.#views;
    new Float64Array(bytes.buffer, powers, signedPowersOfTen.length).set(signedPowersOfTen);
    for (const [index, key] of keys.entries()) {
      const at = keysFrom + index * this.#keyBytes;
      words[at / words.BYTES_PER_ELEMENT] = key.length;
      bytes.set(key, at + blockBytes);
      bytes.fill(0xff, at + blockBytes * (1 + blocks), at + blockBytes * (1 + blocks) + key.length);
    }
  }

  /**
   * @param from - where the first name begins, or the closing brace stands
   * @param into - where the values go from `start` on, by name, NaN for null and what is missing; they count only if an end is returned
   * @returns where the closing brace is, or -1 where something else comes than these names with numbers and nulls
   */
  read(bytes: Buffer, from: number, into: Float64Array, start: number): number {
    this.present = 0;
    const [kernel, textFrom, width] = [this.#kernel, this.#textFrom, this.#lengths.length];
    if (bytes[from] === closing) {
      into.fill(Number.NaN, start, start + width);
      return from;
    }
    const { words, values } = this.#write(bytes, from);
    for (let [text, column] = [textFrom, 0]; ; ) {
      const key = keysFrom + column * this.#keyBytes;
      const next = kernel.readValues(text, key, this.#keysEnd, this.#keysEnd + column * doubleBytes);
      text = words[stateWords.stopped] ?? 0;
      column = (next - keysFrom) / this.#keyBytes;
      this.present += words[stateWords.present] ?? 0;
      let end = text - 1 - textFrom + from;
      if (words[stateWords.isOpen] === 1) {
        if (column === width) return -1;
        end = this.#numbers.number(bytes, text - textFrom + from + (this.#lengths[column] ?? 0));
        if (end < 0) return -1;
        values[column] = this.#numbers.value;
        [this.present, column, text] = [this.present + 1, column + 1, end + 1 - from + textFrom];
        if (bytes[end] === comma) continue;
        if (bytes[end] !== closing) return -1;
      }
      into.set(column === width ? values : values.subarray(0, column), start);
      if (column < width) into.fill(Number.NaN, start + column, start + width);
      return end;
    }
  }

  /** The text with a zero behind it, which is part of no name and no number. */
  #write(bytes: Buffer, from: number) {
    const length = bytes.length - from;
    const missing = this.#textFrom + length + this.#lookahead - this.#views.bytes.length;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / pageBytes));
      this.#views = viewsOf(this.#memory, this.#keysEnd, this.#lengths.length);
    }
    const views = this.#views;
    views.bytes.set(bytes.subarray(from), this.#textFrom);
    views.bytes[this.#textFrom + length] = 0;
    return views;
  }
}

function viewsOf({ buffer }: WebAssembly.Memory, valuesFrom: number, width: number) {
  return {
    bytes: new Uint8Array(buffer as ArrayBuffer),
    words: new Int32Array(buffer as ArrayBuffer),
    values: new Float64Array(buffer as ArrayBuffer, valuesFrom, width),
  };
}
