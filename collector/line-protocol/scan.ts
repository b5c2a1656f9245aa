/**
 * The scanners of line protocol. They read character by character as InfluxDB 2.7's own parser does (`models/points.go`), so that both
 * accept the same lines and refuse the same lines with the same messages. Each returns the position after the part that it read, or throws
 * a {@link LineFault}.
 */

/** What is wrong with a line, as InfluxDB words it. It is no `Error`: one request may hold thousands, and a stack trace costs more than a line. */
export class LineFault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const space = 0x20;
const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const equals = 0x3d;
const backslash = 0x5c;
const newline = 0x0a;

export function skipWhitespace(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code !== space && code !== 0x09 && code !== 0) break;
    index += 1;
  }
  return index;
}

/** The end of the line that begins at `from`: the next line break outside of a quoted field value. */
export function scanLine(text: string, from: number): number {
  const length = text.length;
  let quoted = false;
  let inFields = false;
  let equalsSeen = 0;
  let commasSeen = 0;
  let index = from;
  while (index < length) {
    const code = text.charCodeAt(index);
    if (code === newline && !quoted) break;
    if (code === backslash && index + 2 < length) {
      index += 2;
      continue;
    }
    if (code === space) inFields = true;
    else if (inFields) {
      if (code === equals && !quoted) equalsSeen += 1;
      else if (code === comma && !quoted) commasSeen += 1;
      else if (code === quote && equalsSeen > commasSeen) quoted = !quoted;
    }
    index += 1;
  }
  return index;
}

/** The end of the measurement: at a comma, where tags follow, or at a space, where fields do. */
export function scanMeasurement(text: string, from: number): number {
  if (from >= text.length || text.charCodeAt(from) === comma) throw new LineFault('missing measurement');
  for (let index = from + 1; index < text.length; index += 1) {
    if (text.charCodeAt(index - 1) === backslash) continue;
    const code = text.charCodeAt(index);
    if (code === comma || code === space) return index;
  }
  throw new LineFault('missing fields');
}

/** The end of a tag's key: at its unescaped equals sign. */
export function scanTagKey(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (from >= text.length || first === space || first === comma || first === equals) {
    throw new LineFault('missing tag key');
  }
  for (let index = from + 1; index < text.length; index += 1) {
    if (text.charCodeAt(index - 1) === backslash) continue;
    const code = text.charCodeAt(index);
    if (code === equals) return index;
    if (code === space || code === comma) break;
  }
  throw new LineFault('missing tag value');
}

/** The end of a tag's value: at an unescaped comma or space. */
export function scanTagValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (from >= text.length || first === comma || first === space) throw new LineFault('missing tag value');
  for (let index = from + 1; index < text.length; index += 1) {
    if (text.charCodeAt(index - 1) === backslash) continue;
    const code = text.charCodeAt(index);
    if (code === equals) throw new LineFault('invalid tag format');
    if (code === comma || code === space) return index;
  }
  throw new LineFault('missing fields');
}

/** The end of the fields: at a space outside of quotes. Every field is checked. */
export function scanFields(text: string, from: number): number {
  const length = text.length;
  let quoted = false;
  let equalsSeen = 0;
  let commasSeen = 0;
  let index = from;
  while (index < length) {
    const code = text.charCodeAt(index);
    if (code === backslash && index + 1 < length) {
      index += 2;
      continue;
    }
    if (code === quote && equalsSeen > commasSeen) quoted = !quoted;
    else if (!quoted) {
      if (code === space) break;
      if (code === comma) commasSeen += 1;
      if (code === equals) {
        equalsSeen += 1;
        const end = scanUnquotedValue(text, index);
        if (end > index) {
          index = end;
          continue;
        }
      }
    }
    index += 1;
  }
  if (quoted) throw new LineFault('unbalanced quotes');
  if (equalsSeen === 0 || commasSeen !== equalsSeen - 1) throw new LineFault('invalid field format');
  return index;
}

/** Checks around an equals sign; the end of a number or boolean that follows it, or `at` where a quoted string does. */
function scanUnquotedValue(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  if ((before === space || before === comma) && text.charCodeAt(at - 2) !== backslash) {
    throw new LineFault('missing field key');
  }
  const next = text.charCodeAt(at + 1);
  if (at + 1 >= text.length || next === comma || next === space) throw new LineFault('missing field value');
  if (isNumeric(next) || next === minus || next === 0x4e || next === 0x6e) return scanNumber(text, at + 1);
  return next === quote ? at : scanBoolean(text, at + 1);
}

function isNumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === dot;
}

const floatForm = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Text that InfluxDB takes for scientific notation until it converts it to a number. */
const scientificForm = /^(?!.*\..*\.)(?=.*[eE])-?(?:[\d.]|[eE][+-]?)*$/;
const integerForm = /^-?\d+i$/;
const unsignedForm = /^\d+u$/;

/** The end of a number: float, integer (`i`) or unsigned integer (`u`), within the range of its type. */
function scanNumber(text: string, from: number): number {
  const end = scanToken(text, from);
  const token = text.slice(from, end);
  if (integerForm.test(token)) {
    const digits = token.slice(0, -1);
    if (digits.length > 18) checkRange(digits, -(2n ** 63n), 2n ** 63n - 1n, 'integer', 'ParseInt');
  } else if (unsignedForm.test(token)) {
    const digits = token.slice(0, -1);
    if (digits.length > 19) checkRange(digits, 0n, 2n ** 64n - 1n, 'unsigned', 'ParseUint');
  } else if (!floatForm.test(token)) {
    throw new LineFault(scientificForm.test(token) ? 'invalid float' : 'invalid number');
  } else if (!Number.isFinite(Number(token))) {
    throw new LineFault('invalid float');
  }
  return end;
}

function checkRange(digits: string, least: bigint, most: bigint, kind: string, parser: string): void {
  // BigInt takes quadratic time for many digits; 40 digits without leading zeros exceed any range.
  const trimmed = digits.replace(/^(-?)0+(?=\d)/, '$1');
  const value = trimmed.length > 40 ? null : BigInt(trimmed);
  if (value !== null && value >= least && value <= most) return;
  throw new LineFault(`unable to parse ${kind} ${digits}: strconv.${parser}: parsing "${digits}": value out of range`);
}

const booleans = new Set(['t', 'T', 'true', 'True', 'TRUE', 'f', 'F', 'false', 'False', 'FALSE']);

function scanBoolean(text: string, from: number): number {
  const end = scanToken(text, from);
  if (!booleans.has(text.slice(from, end))) throw new LineFault('invalid boolean');
  return end;
}

function scanToken(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === comma || code === space) break;
    index += 1;
  }
  return index;
}

/** The end of a timestamp: an optional minus sign and digits. */
export function scanTime(text: string, from: number): number {
  let index = from;
  if (text.charCodeAt(index) === minus) index += 1;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === space || code === newline) break;
    if (code < 0x30 || code > 0x39) throw new LineFault('bad timestamp');
    index += 1;
  }
  return index;
}

/** The next unescaped equals sign, or the end. */
export function scanFieldKey(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    if (text.charCodeAt(index) === equals && (index === from || text.charCodeAt(index - 1) !== backslash)) break;
    index += 1;
  }
  return index;
}

/** The end of a field's value: at a comma outside of quotes. */
export function scanFieldValue(text: string, from: number): number {
  let quoted = false;
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === backslash) {
      const next = text.charCodeAt(index + 1);
      if (next === quote || next === backslash) {
        index += 2;
        continue;
      }
    }
    if (code === quote) quoted = !quoted;
    else if (code === comma && !quoted) break;
    index += 1;
  }
  return index;
}
