import {
  bitAnd,
  type Code,
  type Frame,
  f64,
  f64x2,
  get,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  select,
  set,
} from './wasm.ts';

/** How many characters are looked at together. */
export const decimalReach = 16;
/** A bit for each of them, and one above. */
export const reachEnd = 1 << decimalReach;

const [zero, point, minus] = [0x30, 0x2e, 0x2d];

/** From 10^0 to 10^15. */
export const powersOfTen = Float64Array.from({ length: decimalReach }, (_, digits) => 10 ** digits);
/** The same, and behind them their negatives: they have to stand in the memory of a kernel. */
export const signedPowersOfTen = Float64Array.of(...powersOfTen, ...powersOfTen.map((power) => -power));

/**
 * A decimal of up to 15 characters in WebAssembly: digits, maybe a minus before and a point between them. Sixteen characters are looked at
 * together. The digits, as one integer, are divided by a power of ten: both are doubles exactly, and a division is rounded once.
 * Source: Clinger, How to read floating point numbers accurately (1990).
 */
export class PlainDecimal {
  /** Where the number ends, by characters; whoever looks for it sets it between {@link load} and {@link parts}. */
  readonly length: Local;
  readonly characters: Local;
  /** Whether it has a minus. */
  readonly sign: Local;
  /** Characters before the point, the minus among them. */
  readonly whole: Local;
  readonly hasPoint: Local;
  /** How many digits it has. */
  readonly places: Local;
  readonly #frame: Frame;
  readonly #text: Local;
  readonly #digits: Local;
  readonly #isDigit: Local;
  readonly #marks: Local;

  /** @param text - the address of its first character; 16 can be read from there */
  constructor(frame: Frame, text: Local) {
    this.#frame = frame;
    this.#text = text;
    [this.characters, this.#digits, this.#isDigit] = [frame.local('v128'), frame.local('v128'), frame.local('v128')];
    [this.length, this.sign, this.#marks] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
    [this.whole, this.hasPoint, this.places] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  }

  load(): Code {
    return set(this.characters, i8x16.load(get(this.#text)));
  }

  /** Bits of the characters that are this one. */
  bitsOf(character: number): Code {
    return i8x16.bits(i8x16.equal(get(this.characters), this.#frame.constant(i8x16.constant(character))));
  }

  /** The parts of a number of this length. */
  parts(): Code[] {
    const { length, characters, sign, whole, hasPoint, places } = this;
    const [digits, isDigit, marks] = [this.#digits, this.#isDigit, this.#marks];
    const nines = this.#frame.constant(i8x16.constant(9));
    return [
      set(sign, i32.equal(i32.load8(get(this.#text)), i32.constant(minus))),
      set(digits, i8x16.subtract(get(characters), this.#frame.constant(i8x16.constant(zero)))),
      set(isDigit, i8x16.equal(i8x16.leastUnsigned(get(digits), nines), get(digits))),
      set(digits, bitAnd(get(digits), get(isDigit))),
      // What is no digit, beside the sign: a point or what comes after it, or it is no plain number.
      set(marks, i32.subtract(i32.xor(i8x16.bits(get(isDigit)), i32.constant(2 * reachEnd - 1)), get(sign))),
      set(whole, i32.trailingZeros(get(marks))),
      set(hasPoint, i32.equal(i32.load8(i32.add(get(this.#text), get(whole))), i32.constant(point))),
      set(places, i32.subtract(i32.subtract(get(length), get(sign)), get(hasPoint))),
    ];
  }

  /** Whether these are digits up to the end, with a point at the most, and few enough to be read together. */
  get isPlain(): Code {
    const { length, whole, hasPoint, places } = this;
    const second = i32.trailingZeros(i32.and(get(this.#marks), i32.subtract(get(this.#marks), i32.constant(1))));
    return i32.and(
      i32.equal(select(second, get(whole), get(hasPoint)), get(length)),
      i32.and(i32.less(get(length), i32.constant(decimalReach)), i32.less(i32.constant(0), get(places))),
    );
  }

  /**
   * The number; any where it is not plain.
   * @param powers - where {@link signedPowersOfTen} stand
   */
  value(into: Local, powers: number): Code[] {
    return [
      ...sumUp(this.#frame, this.#digits, this, into),
      set(into, f64.divide(get(into), f64.load(this.#powerOfTen(powers)))),
    ];
  }

  /**
   * The address of the power of ten by how many digits stand behind the point, whatever a cell that is not plain looks like. It has the
   * sign of the number: to choose between that and its negative would be a branch.
   */
  #powerOfTen(powers: number): Code {
    const { sign, places, whole, hasPoint } = this;
    const decimals = i32.subtract(i32.add(get(sign), get(places)), get(whole));
    const index = i32.and(select(decimals, i32.constant(0), get(hasPoint)), i32.constant(decimalReach - 1));
    return i32.add(i32.constant(powers), i32.shiftLeft(i32.add(index, i32.shiftLeft(get(sign), 4)), 3));
  }
}

interface Places {
  readonly sign: Local;
  readonly whole: Local;
  readonly places: Local;
}

/** The digits of a number as one number: they are moved to the right, over the point, and put together by twos, fours and eights. */
function sumUp(frame: Frame, digits: Local, { sign, whole, places }: Places, into: Local): Code[] {
  const [lanes, twos, fours] = [frame.local('v128'), frame.local('v128'), frame.local('v128')];
  const numbered = frame.constant(i8x16.lanes(...Array.from({ length: 16 }, (_, lane) => lane)));
  const shift = i32.subtract(i32.add(get(places), get(sign)), i32.constant(16));
  // Minus one where it holds.
  const behindPoint = i8x16.greater(get(lanes), i8x16.splat(i32.subtract(get(whole), i32.constant(1))));
  const tens = i16x8.multiply(
    bitAnd(get(digits), frame.constant(i16x8.constant(0xff))),
    frame.constant(i16x8.constant(10)),
  );
  const eights = i32x4.dot(i16x8.fromI32x4(get(fours), get(fours)), frame.constant(i16x8.repeated(10_000, 1)));
  const halves = f64x2.multiply(f64x2.fromI32x4(eights), frame.constant(f64x2.lanes(1e8, 1)));
  return [
    set(lanes, i8x16.add(numbered, i8x16.splat(shift))),
    set(digits, i8x16.swizzle(get(digits), i8x16.subtract(get(lanes), behindPoint))),
    set(twos, i16x8.add(tens, i16x8.shiftRight(get(digits), 8))),
    set(fours, i32x4.dot(get(twos), frame.constant(i16x8.repeated(100, 1)))),
    set(twos, halves),
    set(into, f64.add(f64x2.lane(get(twos), 0), f64x2.lane(get(twos), 1))),
  ];
}
