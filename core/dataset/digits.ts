/** Cells that a record has room for at first. */
const firstCells = 64;
/** A number of this size has nine digits: one more may pass 31 bits. */
const nineDigits = 100_000_000;
const mostLowDigits = 9;
const [zero, dot, comma, plus, minus] = [48, 46, 44, 43, 45];

/** Powers of ten that a double holds exactly. */
export const powers = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const inverses = powers.map((power) => 1 / power);
const mostFraction = 22;
const largestExact = 2 ** 53;
/** Dekker's constant, which splits a double into two halves whose product is exact. */
const splitter = 2 ** 27 + 1;

/**
 * How a cell's digits stand: not read, digits alone, with a point, with a comma; the last two also where what follows may be a group of
 * three digits of a whole number.
 */
export const shapes = { unread: 0, whole: 1, point: 2, comma: 3, groupedPoint: 4, groupedComma: 5 } as const;

/**
 * The numbers in the cells of a record, read while the record is cut, so that most bytes of a table are looked at once. Only cells of up
 * to 18 digits (zeros in front do not count), a sign and one point or comma; all others are left to be read from their bytes.
 */
export class CellDigits {
  /** By cell, one of {@link shapes}. */
  shapes = new Uint8Array(firstCells);
  /** By cell, the number; with a separator the one that it is if the separator is the decimal one. */
  values = new Float64Array(firstCells);

  /**
   * Reads a number up to the first byte that belongs to none. The caller knows whether the cell ends there, and else sets the shape back.
   * @returns the place of that byte
   */
  read(bytes: Uint8Array, from: number, delimiter: number, cell: number): number {
    const negative = bytes[from] === minus;
    const first = negative || bytes[from] === plus ? from + 1 : from;
    let p = first;
    let mark = -1;
    let high = 0;
    for (; high < nineDigits; p++) {
      const byte = bytes[p]!;
      // Only the ten digits differ from that of 0 by less than ten in these bits.
      const digit = byte ^ zero;
      if (digit < 10) high = (Math.imul(high, 10) + digit) | 0;
      else if ((byte === dot || byte === comma) && mark < 0 && byte !== delimiter) mark = p;
      else break;
    }
    let low = 0;
    let lowDigits = 0;
    if (high >= nineDigits)
      for (; ; p++) {
        const byte = bytes[p]!;
        const digit = byte ^ zero;
        if (digit < 10 && lowDigits < mostLowDigits) {
          low = (Math.imul(low, 10) + digit) | 0;
          lowDigits += 1;
        } else if ((byte === dot || byte === comma) && mark < 0 && byte !== delimiter) mark = p;
        else break;
      }
    const shape = shapeOf(bytes, first, mark, p);
    this.shapes[cell] = shape;
    if (shape === shapes.unread) return p;
    const fraction = mark < 0 ? 0 : p - mark - 1;
    if (lowDigits > 0) this.#divide(cell, high, low, lowDigits, fraction);
    else this.values[cell] = fraction === 0 ? high : high / powers[fraction]!;
    if (negative) this.values[cell] = -this.values[cell]!;
    return p;
  }

  /**
   * Two whole numbers, one after the other, over a power of ten, correctly rounded; the cell counts as unread where two doubles are about
   * equally near. The remainder of the first quotient is known to all its digits, so a second quotient doubles them (Dekker, 1971,
   * doi:10.1007/BF01397083).
   * @param high - nine digits
   * @param low - `lowDigits` digits, at most nine
   * @param fraction - digits after the point
   */
  #divide(cell: number, high: number, low: number, lowDigits: number, fraction: number): void {
    // Exact: nine digits are 30 bits, and 5^9 are 21.
    const leading = high * powers[lowDigits]!;
    const whole = leading + low;
    const divisor = powers[fraction]!;
    if (whole <= largestExact) {
      this.values[cell] = whole / divisor;
      return;
    }
    const rest = low - (whole - leading);
    const first = whole * inverses[fraction]!;
    const product = first * divisor;
    const second = (whole - product - tailOf(first, divisor, product) + rest) * inverses[fraction]!;
    const doubt = Math.abs(second) * 2 ** -40;
    const nearest = first + (second + doubt);
    this.values[cell] = nearest;
    if (nearest !== first + (second - doubt)) this.shapes[cell] = shapes.unread;
  }

  /** The number in a cell that was read, in a table with that sign; NaN where it is none. */
  number(cell: number, decimal: '.' | ','): number {
    const shape = this.shapes[cell]!;
    const value = this.values[cell]!;
    if (shape === shapes.whole) return value;
    const own = shape === shapes.point || shape === shapes.groupedPoint ? '.' : ',';
    if (own === decimal) return value;
    return shape === shapes.groupedPoint || shape === shapes.groupedComma ? Math.round(value * 1_000) : Number.NaN;
  }

  grow(): void {
    const [wider, values] = [new Uint8Array(this.shapes.length * 2), new Float64Array(this.shapes.length * 2)];
    wider.set(this.shapes);
    values.set(this.values);
    this.shapes = wider;
    this.values = values;
  }
}

function shapeOf(bytes: Uint8Array, first: number, mark: number, end: number): number {
  if (mark < 0) return end === first ? shapes.unread : shapes.whole;
  const fraction = end - mark - 1;
  const pointed = bytes[mark] === dot;
  if (end - first === 1 || fraction > mostFraction || (fraction === 0 && !pointed)) return shapes.unread;
  const grouped = fraction === 3 && mark > first && mark - first <= 3 && bytes[first] !== zero;
  if (grouped) return pointed ? shapes.groupedPoint : shapes.groupedComma;
  return pointed ? shapes.point : shapes.comma;
}

/** What a product of two doubles lost by its rounding. */
function tailOf(a: number, b: number, product: number): number {
  const aSplit = a * splitter;
  const bSplit = b * splitter;
  const aHigh = aSplit - (aSplit - a);
  const bHigh = bSplit - (bSplit - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
