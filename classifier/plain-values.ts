import { JsonNumberScanner } from '../core/numeric/scan-json-numbers.ts';
import { PackedWords, viewOf } from '../core/wire/words.ts';
import { bufferOf, frameAround, standsAt, valuesIn } from './plain-frame.ts';

const [comma, closing] = [0x2c, 0x7d];
const nothing = Buffer.from('null');

/**
 * Reads a record of one reading as the collector writes nearly all: values are finite numbers or null, their names in the order of the
 * stream, some of them missing. They go into the row without an object of as many keys. Whatever else comes is not read here, and told
 * by `undefined`: `JSON.parse` reads it then, and words what is wrong with it.
 */
export class PlainValues {
  readonly #keys: PackedWords;
  readonly #width: number;
  readonly #scanner = new JsonNumberScanner();
  /** How many values of the last record were numbers. */
  present = 0;
  /** Whether the last record had any value, if only null. */
  hasKey = false;

  constructor(fields: readonly string[]) {
    this.#keys = new PackedWords(fields.map((field) => `${JSON.stringify(field)}:`));
    this.#width = fields.length;
  }

  /**
   * @param start - where in `into` the row begins, NaN for a gap; what was written there counts only if a record is returned
   * @returns the record with empty `values`
   */
  read(given: Uint8Array, into: Float64Array, start: number): Record<string, unknown> | undefined {
    const bytes = bufferOf(given);
    const from = valuesIn(bytes);
    const end = from < 0 ? -1 : this.#fill(bytes, from, into, start);
    return end < 0 ? undefined : frameAround(bytes, from, end);
  }

  /** @returns where the closing brace is, or -1 */
  #fill(bytes: Buffer, from: number, into: Float64Array, start: number): number {
    const [keys, width, length] = [this.#keys, this.#width, bytes.length];
    const view = viewOf(bytes);
    into.fill(Number.NaN, start, start + width);
    [this.present, this.hasKey] = [0, false];
    let at = from;
    if (bytes[at] === closing) return at;
    for (let column = 0; column < width; column++) {
      if (!keys.isAt(column, view, at, length)) continue;
      this.hasKey = true;
      const value = at + keys.lengthOf(column);
      if (standsAt(bytes, value, nothing)) at = value + nothing.length;
      else {
        at = this.#scanner.number(bytes, value);
        if (at < 0) return -1;
        into[start + column] = this.#scanner.value;
        this.present += 1;
      }
      if (bytes[at] === closing) return at;
      if (bytes[at] !== comma) return -1;
      at += 1;
    }
    return -1;
  }
}
