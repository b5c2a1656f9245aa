import { powers, shapes } from './digits.ts';
import type { TableRecord } from './records.ts';

/** The character between whole part and fraction. */
export type Decimal = '.' | ',';

const [zero, dot, comma, plus, minus] = [48, 46, 44, 43, 45];
const largestExact = 2 ** 53;

/**
 * What a cell is as a number, read both ways: with a decimal point and with a decimal comma. NaN where it is none that way, or is not
 * finite. `1,234` is 1234 with a point and 1.234 with a comma; `27,08` is a number only with a comma.
 */
export class NumberCell {
  point = Number.NaN;
  comma = Number.NaN;
  /** What stands after the number (or the sign of a currency before it); empty for most. */
  unit = '';
  /** Written with digits alone. */
  whole = false;
  readonly #read = new Map<string, Dressed>();

  /** Reads a cell. @returns whether it is a number in at least one way. */
  take({ bytes, starts, ends, digits }: TableRecord, cell: number): boolean {
    const shape = digits === undefined ? shapes.unread : digits.shapes[cell]!;
    if (shape === shapes.unread) return this.scan(bytes, starts[cell]!, ends[cell]!);
    this.unit = '';
    this.whole = shape === shapes.whole;
    this.point = digits!.number(cell, '.');
    this.comma = digits!.number(cell, ',');
    return true;
  }

  /** Reads the bytes between two places. @returns whether they are a number in at least one way. */
  scan(bytes: Buffer, from: number, to: number): boolean {
    this.unit = '';
    this.whole = false;
    if (this.#plain(bytes, from, to)) return true;
    return beginsNumber[bytes[from]!] === 1 && this.#dressed(bytes, from, to);
  }

  /** Digits with at most one point or comma, and an exponent: all that most files have. */
  #plain(bytes: Buffer, from: number, to: number): boolean {
    let p = from;
    const negative = bytes[p] === minus;
    if (negative || bytes[p] === plus) p += 1;
    const first = p;
    let mantissa = 0;
    let separator = 0;
    let mark = to;
    for (; p < to; p++) {
      const digit = bytes[p]! - zero;
      if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit;
      else if (separator === 0 && (bytes[p] === dot || bytes[p] === comma)) {
        separator = bytes[p]!;
        mark = p;
      } else break;
    }
    if (separator === 0) mark = p;
    const fraction = separator === 0 ? 0 : p - mark - 1;
    if (mark - first + fraction === 0 || (separator === comma && fraction === 0)) return false;
    let exponent = -fraction;
    if (p < to) {
      const power = exponentOf(bytes, p, to);
      if (Number.isNaN(power)) return false;
      exponent += power;
    }
    // Correctly rounded: mantissa and power are both exact doubles, so one operation is enough.
    const value =
      mantissa <= largestExact && exponent <= 0 && exponent >= -22
        ? mantissa / powers[-exponent]!
        : rounded(mantissa, exponent, bytes, first, to, separator === comma ? mark : -1);
    if (value === Number.POSITIVE_INFINITY) return false;
    this.whole = separator === 0 && p === to && exponent === 0;
    const signed = negative ? -value : value;
    if (separator === 0) {
      this.point = signed;
      this.comma = signed;
      return true;
    }
    // Three digits after a lone separator may be a group of a whole number: 1,234.
    const groups = fraction === 3 && p === to && mark > first && mark - first <= 3 && bytes[first] !== zero;
    const grouped = groups ? (negative ? -mantissa : mantissa) : Number.NaN;
    this.point = separator === comma ? grouped : signed;
    this.comma = separator === dot ? grouped : signed;
    return true;
  }

  /** Everything else that people write: groups, units, signs of typography. Texts that recur are read once. */
  #dressed(bytes: Buffer, from: number, to: number): boolean {
    if (to - from > longestNumber || to === from) return false;
    const text = bytes.toString('utf8', from, to);
    let read = this.#read.get(text);
    if (read === undefined) {
      if (this.#read.size >= 4_096) this.#read.clear();
      read = readDressed(text);
      this.#read.set(text, read);
    }
    this.point = read.point;
    this.comma = read.comma;
    this.unit = read.unit;
    return !(Number.isNaN(read.point) && Number.isNaN(read.comma));
  }
}

/** By byte: whether a number may begin so: a digit, a sign, a separator, a currency or anything beyond ASCII. */
const beginsNumber = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || '0123456789+-.,$( '.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** Longer is no number with its unit. */
const longestNumber = 80;

function exponentOf(bytes: Buffer, from: number, to: number): number {
  if (bytes[from] !== 0x65 && bytes[from] !== 0x45) return Number.NaN;
  let p = from + 1;
  const negative = bytes[p] === minus;
  if (negative || bytes[p] === plus) p += 1;
  if (p === to) return Number.NaN;
  let exponent = 0;
  for (; p < to; p++) {
    const digit = bytes[p]! - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    exponent = Math.min(exponent * 10 + digit, 100_000);
  }
  return negative ? -exponent : exponent;
}

/** Correctly rounded: where one operation on exact doubles is not enough, the language's own parser reads the text. */
function rounded(mantissa: number, exponent: number, bytes: Buffer, from: number, to: number, commaAt: number): number {
  if (mantissa <= largestExact && exponent >= -22 && exponent <= 22)
    return exponent < 0 ? mantissa / powers[-exponent]! : mantissa * powers[exponent]!;
  if (commaAt < 0) return Number(bytes.toString('latin1', from, to));
  // The bytes are the reader's own; with a point in them the text need not be copied once more.
  bytes[commaAt] = dot;
  const value = Number(bytes.toString('latin1', from, to));
  bytes[commaAt] = comma;
  return value;
}

interface Dressed {
  readonly point: number;
  readonly comma: number;
  readonly unit: string;
}

const none: Dressed = { point: Number.NaN, comma: Number.NaN, unit: '' };
const body = String.raw`\d[\d.,_'’ \u00a0\u2009\u202f]*|[.,]\d+`;
const pattern = new RegExp(
  String.raw`^([+\-−–](?=\s*[$€£¥]))?\s*([$€£¥])?\s*([+\-−–])?\s*(${body})(?:[eEdD]([+\-−]?\d+))?[ \u00a0\u202f\u2009]*(?!x\d)([%‰°\p{L}$€£¥Ωµμ][^\s,;"]{0,14})?$`,
  'u',
);
/** As accounts write what is below zero: (12.50). */
const inBrackets = /^\(\s*([^()]+?)\s*\)$/u;
/** The unit may hold digits (m3/h, m/s2), and begin with a degree sign or a per cent sign and a word (% RH). */
const spacedUnit = /^(.*\S)\s*(% ?\p{L}{1,4}|° ?\p{L})$/u;

function readDressed(text: string): Dressed {
  const bracketed = inBrackets.exec(text);
  const bare = bracketed?.[1] ?? text;
  const spaced = spacedUnit.exec(bare);
  const parts = pattern.exec(spaced ? spaced[1]! : bare);
  // 20260131T120000 is a time, and no number in a unit.
  if (parts === null || /\d[Tt]\d{4}/.test(text)) return none;
  const [, outer = '', currency = '', inner = '', digits = '', exponent = '', unit = ''] = parts;
  const sign = `${bracketed ? '-' : ''}${outer}${inner}`;
  if (sign.length > 1) return none;
  const read = (decimal: Decimal) => {
    const plain = ungroup(digits.trimEnd(), decimal);
    if (plain === undefined) return Number.NaN;
    const value = Number(`${plain}${exponent && `e${exponent.replace('−', '-')}`}`);
    return Number.isFinite(value) ? (/[-−–]/.test(sign) ? -value : value) : Number.NaN;
  };
  return { point: read('.'), comma: read(','), unit: `${currency}${unit || (spaced?.[2] ?? '')}` };
}

/** Digits with a point, out of digits with groups; undefined where the groups are none. */
function ungroup(text: string, decimal: Decimal): string | undefined {
  const parts = text.split(decimal);
  if (parts.length > 2 || (decimal === ',' && parts[1] === '')) return undefined;
  const [whole = '', fraction] = parts;
  if (fraction !== undefined && !/^\d*$/.test(fraction.replaceAll(/(?<=\d)_(?=\d)/g, ''))) return undefined;
  const other = decimal === '.' ? ',' : '.';
  const ungrouped = /^\d*$/.test(whole)
    ? whole
    : (asGroups(whole, other) ??
      asGroups(whole, "'’") ??
      asGroups(whole, ' \u00a0\u2009\u202f') ??
      asUnderscored(whole));
  return ungrouped === undefined ? undefined : `${ungrouped}.${(fraction ?? '').replaceAll('_', '')}0`;
}

/** Groups of three, or of two before the last three as in India. */
function asGroups(text: string, separators: string): string | undefined {
  const groups = new RegExp(`^[1-9]\\d{0,2}(?:[${separators}]\\d{2,3})*[${separators}]\\d{3}$`);
  return groups.test(text) ? text.replaceAll(/\D/g, '') : undefined;
}

const asUnderscored = (text: string): string | undefined =>
  /^\d+(?:_\d+)+$/.test(text) ? text.replaceAll('_', '') : undefined;
