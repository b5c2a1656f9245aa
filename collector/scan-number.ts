import type { ByteWriter } from './record-writer.ts';

/** Returned where there is no number, or one that a double cannot hold. */
export const unusual = -1;

/** So many decimal digits go into a double and come back as they were. */
const exactDigits = 15;
/** From so many zeros after the point on, JavaScript writes an exponent. */
const exponentZeros = 6;

const zero = 0x30;
const nine = 0x39;

/**
 * Copies the JSON number that begins at `at`, as `JSON.stringify` writes its value: most numbers are written so already.
 * @returns the position after it, or {@link unusual}
 */
export function scanNumber(bytes: Buffer, start: number, out: ByteWriter): number {
  const target = out.bytes;
  let to = out.at;
  let at = start;
  let code = bytes[at] ?? 0;
  const negative = code === 0x2d;
  if (negative) {
    target[to++] = code;
    code = bytes[++at] ?? 0;
  }
  const whole = at;
  while (code >= zero && code <= nine) {
    target[to++] = code;
    code = bytes[++at] ?? 0;
  }
  const wholeDigits = at - whole;
  const leadingZero = bytes[whole] === zero;
  if (wholeDigits === 0 || (leadingZero && wholeDigits > 1)) return unusual;
  let exact = wholeDigits <= exactDigits && !(negative && leadingZero);
  if (code === 0x2e) {
    target[to++] = code;
    code = bytes[++at] ?? 0;
    const fraction = at;
    while (code >= zero && code <= nine) {
      target[to++] = code;
      code = bytes[++at] ?? 0;
    }
    if (at === fraction) return unusual;
    // A negative zero is the only negative number with a leading zero that is written otherwise.
    exact = wholeDigits + at - fraction <= exactDigits && bytes[at - 1] !== zero;
    if (leadingZero && at - fraction > exponentZeros) exact &&= !beginsWithZeros(bytes, fraction);
  }
  if (exact && code !== 0x65 && code !== 0x45) {
    out.at = to;
    return at;
  }
  return rewritten(bytes, start, at, out);
}

/**
 * The end of a number that `JSON.stringify` writes as it stands here, as nearly all are: without an exponent, few digits, none too many.
 * @returns the position after it, or {@link unusual} for all others
 */
export function plainNumberEnd(bytes: Buffer, start: number): number {
  const whole = bytes[start] === 0x2d ? start + 1 : start;
  let at = whole;
  let code = bytes[at] ?? 0;
  while (code >= zero && code <= nine) code = bytes[++at] ?? 0;
  const leadingZero = bytes[whole] === zero;
  if (at === whole || (leadingZero && at > whole + 1)) return unusual;
  if (code !== 0x2e) return at - whole > exactDigits || (leadingZero && whole > start) ? unusual : at;
  const fraction = at + 1;
  code = bytes[++at] ?? 0;
  while (code >= zero && code <= nine) code = bytes[++at] ?? 0;
  const tooSmall = leadingZero && at - fraction > exponentZeros;
  return at === fraction || at - whole > exactDigits || bytes[at - 1] === zero || tooSmall ? unusual : at;
}

function beginsWithZeros(bytes: Buffer, from: number): boolean {
  for (let at = from; at < from + exponentZeros; at += 1) if (bytes[at] !== zero) return false;
  return true;
}

/** A number with an exponent, with zeros at its end, or with more digits than a double keeps: read, and written anew. */
function rewritten(bytes: Buffer, start: number, mantissaEnd: number, out: ByteWriter): number {
  let at = mantissaEnd;
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at += 1;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at += 1;
    const digits = at;
    while ((bytes[at] ?? 0) >= zero && (bytes[at] ?? 0) <= nine) at += 1;
    if (at === digits) return unusual;
  }
  const value = Number(bytes.toString('latin1', start, at));
  if (!Number.isFinite(value)) return unusual;
  out.text(String(value));
  return at;
}
