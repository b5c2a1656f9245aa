import { isUtf8 } from 'node:buffer';
import { elementAt } from '../core/numeric/element.ts';

const opening = Buffer.from('"values":{');
const name = Buffer.from('"values"');
/** A whole number of so many digits is exact in a double, and so is ten to the power of as many places after the point. */
const exactDigits = 15;
const powers = Array.from({ length: exactDigits + 1 }, (_, places) => 10 ** places);

const [zero, nine, point, minus, plus, comma, brace, closing] = [0x30, 0x39, 0x2e, 0x2d, 0x2b, 0x2c, 0x7b, 0x7d];
const backslash = 0x5c;
const nothing = Buffer.from('null');

const isDigit = (code: number | undefined): boolean => code !== undefined && code >= zero && code <= nine;

/**
 * Reads a record of one reading as the collector writes nearly all: values are finite numbers or null, their names in the order of the
 * stream, some of them missing. They go into the row without an object of as many keys. Whatever else comes is not read here, and told
 * by `undefined`: `JSON.parse` reads it then, and words what is wrong with it.
 */
export class PlainValues {
  readonly #keys: readonly Buffer[];
  /** How many values of the last record were numbers. */
  present = 0;
  /** Whether the last record had any value, if only null. */
  hasKey = false;
  #value = 0;

  constructor(fields: readonly string[]) {
    this.#keys = fields.map((field) => Buffer.from(`${JSON.stringify(field)}:`));
  }

  /**
   * @param start - where in `into` the row begins, NaN for a gap; what was written there counts only if a record is returned
   * @returns the record with empty `values`
   */
  read(given: Uint8Array, into: Float64Array, start: number): Record<string, unknown> | undefined {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    const at = bytes.indexOf(opening);
    // Behind a comma or a brace the quote begins a name: within a text it would end it.
    if (at < 1 || (bytes[at - 1] !== comma && bytes[at - 1] !== brace)) return undefined;
    const from = at + opening.length;
    const end = this.#fill(bytes, from, into, start);
    // Of a name that comes twice the last counts, also of one with escapes.
    if (end < 0 || bytes.indexOf(name, end) >= 0 || bytes.indexOf(backslash, end) >= 0) return undefined;
    const [head, tail] = [bytes.subarray(0, from), bytes.subarray(end)];
    if (!isUtf8(head) || !isUtf8(tail)) return undefined;
    try {
      const record = JSON.parse(head.toString() + tail.toString());
      return isEmpty(record?.values) ? record : undefined;
    } catch {
      return undefined;
    }
  }

  /** @returns where the closing brace is, or -1 */
  #fill(bytes: Buffer, from: number, into: Float64Array, start: number): number {
    into.fill(Number.NaN, start, start + this.#keys.length);
    [this.present, this.hasKey] = [0, false];
    let at = from;
    if (bytes[at] === closing) return at;
    for (let column = 0; column < this.#keys.length; column++) {
      const key = elementAt(this.#keys, column);
      if (!standsAt(bytes, at, key)) continue;
      this.hasKey = true;
      const value = at + key.length;
      if (standsAt(bytes, value, nothing)) at = value + nothing.length;
      else {
        at = this.#number(bytes, value);
        if (at < 0) return -1;
        into[start + column] = this.#value;
        this.present += 1;
      }
      if (bytes[at] === closing) return at;
      if (bytes[at] !== comma) return -1;
      at += 1;
    }
    return -1;
  }

  /** Reads a number of JSON into `#value`. @returns where it ends, or -1 where there is none that is finite */
  #number(bytes: Buffer, start: number): number {
    const negative = bytes[start] === minus;
    const whole = negative ? start + 1 : start;
    let [at, digits] = [whole, 0];
    for (; isDigit(bytes[at]); at++) digits = digits * 10 + ((bytes[at] ?? zero) - zero);
    if (at === whole || (bytes[whole] === zero && at > whole + 1)) return -1;
    let count = at - whole;
    let places = 0;
    if (bytes[at] === point) {
      const fraction = ++at;
      for (; isDigit(bytes[at]); at++) digits = digits * 10 + ((bytes[at] ?? zero) - zero);
      places = at - fraction;
      if (places === 0) return -1;
      count += places;
    }
    const isExponent = bytes[at] === 0x65 || bytes[at] === 0x45;
    if (count <= exactDigits && !isExponent) {
      const size = digits / elementAt(powers, places);
      this.#value = negative ? -size : size;
      return at;
    }
    const end = isExponent ? exponentEnd(bytes, at + 1) : at;
    this.#value = end < 0 ? Number.NaN : Number(bytes.toString('latin1', start, end));
    return Number.isFinite(this.#value) ? end : -1;
  }
}

function exponentEnd(bytes: Buffer, from: number): number {
  const digits = bytes[from] === plus || bytes[from] === minus ? from + 1 : from;
  let at = digits;
  while (isDigit(bytes[at])) at++;
  return at === digits ? -1 : at;
}

function standsAt(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
  return true;
}

/** What was left of the values that were read, and nothing that stands elsewhere in a record and looks alike. */
const isEmpty = (values: unknown): boolean =>
  typeof values === 'object' && values !== null && !Array.isArray(values) && Object.keys(values).length === 0;
