import { powersOfTen } from './plain-decimal-kernel.ts';

/** A whole number of so many digits is exact in a double, and so is ten to the power of as many places after the point. */
const exactDigits = 15;
/** A whole number of fewer digits has 31 bits. */
const shortDigits = 10;

const [zero, nine, point, minus, plus, comma, opening, closing] = [0x30, 0x39, 0x2e, 0x2d, 0x2b, 0x2c, 0x5b, 0x5d];
const [small, large] = [0x65, 0x45];
/** `null`, its four letters as bytes. */
const [n, u, l] = [0x6e, 0x75, 0x6c];

const isDigit = (code: number | undefined): boolean => code !== undefined && code >= zero && code <= nine;

/**
 * Reads numbers of JSON from bytes, bit for bit as `JSON.parse` does, without a text or an array of objects between. Short decimals are
 * a whole number divided by a power of ten, both exact.
 */
export class JsonNumberScanner {
  /** The number that was read last. */
  value = 0;
  /** How many elements the array had that was read last, and how many of them were numbers. */
  length = 0;
  present = 0;

  /** Reads a number into `value`. @returns where it ends, or -1 where there is none that is finite */
  number(bytes: Buffer, start: number): number {
    const negative = bytes[start] === minus;
    const whole = negative ? start + 1 : start;
    let [at, digits] = [whole, 0];
    for (; isDigit(bytes[at]); at++) digits = digits * 10 + (bytes[at]! - zero);
    if (at === whole || (bytes[whole] === zero && at > whole + 1)) return -1;
    let count = at - whole;
    let places = 0;
    if (bytes[at] === point) {
      const fraction = ++at;
      for (; isDigit(bytes[at]); at++) digits = digits * 10 + (bytes[at]! - zero);
      places = at - fraction;
      if (places === 0) return -1;
      count += places;
    }
    const isExponent = bytes[at] === small || bytes[at] === large;
    if (count <= exactDigits && !isExponent) {
      const size = digits / powersOfTen[places]!;
      this.value = negative ? -size : size;
      return at;
    }
    const end = isExponent ? exponentEnd(bytes, at + 1) : at;
    this.value = end < 0 ? Number.NaN : Number(bytes.toString('latin1', start, end));
    return Number.isFinite(this.value) ? end : -1;
  }

  /**
   * Reads an array of finite numbers and nulls without white space.
   * @param into - where they go from `first` on, NaN for null; there has to be room for half as many as the bytes that are left
   * @returns where it ends, or -1 where something else comes
   */
  array(bytes: Buffer, start: number, into: Float64Array, first: number): number {
    [this.length, this.present] = [0, 0];
    if (bytes[start] !== opening) return -1;
    if (bytes[start + 1] === closing) return start + 2;
    let at = start + 1;
    let to = first;
    let gaps = 0;
    for (;;) {
      // Most are short decimals: what has more digits than a whole number of 31 bits, or an exponent, goes the long way.
      const negative = bytes[at] === minus ? 1 : 0;
      const whole = at + negative;
      let place = whole;
      let digits = 0;
      let code = bytes[place]! - zero;
      for (; code >= 0 && code <= 9; code = bytes[++place]! - zero) digits = (digits * 10 + code) | 0;
      const wholes = place - whole;
      let places = 0;
      let isShort = wholes === 1 || (wholes > 1 && bytes[whole] !== zero);
      if (code === point - zero) {
        code = bytes[++place]! - zero;
        const fraction = place;
        for (; code >= 0 && code <= 9; code = bytes[++place]! - zero) digits = (digits * 10 + code) | 0;
        places = place - fraction;
        isShort &&= places > 0;
      }
      if (isShort && wholes + places < shortDigits && (code === comma - zero || code === closing - zero)) {
        const size = digits / powersOfTen[places]!;
        into[to++] = negative === 1 ? -size : size;
        at = place;
      } else if (bytes[at] === n) {
        if (bytes[at + 1] !== u || bytes[at + 2] !== l || bytes[at + 3] !== l) return -1;
        at += 4;
        into[to++] = Number.NaN;
        gaps++;
      } else {
        at = this.number(bytes, at);
        if (at < 0) return -1;
        into[to++] = this.value;
      }
      const next = bytes[at++];
      if (next === comma) continue;
      if (next !== closing) return -1;
      this.length = to - first;
      this.present = this.length - gaps;
      return at;
    }
  }
}

function exponentEnd(bytes: Buffer, from: number): number {
  const digits = bytes[from] === plus || bytes[from] === minus ? from + 1 : from;
  let at = digits;
  while (isDigit(bytes[at])) at++;
  return at === digits ? -1 : at;
}
