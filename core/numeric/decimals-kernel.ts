import {
  add,
  bitAnd,
  bitAndNot,
  type Code,
  Frame,
  f64,
  get,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  parameters,
  repeatWhile,
  select,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from './wasm.ts';

/** Reads decimals out of text, in WebAssembly. All parameters are addresses. */
export interface DecimalsKernel {
  /**
   * Reads cells that end in a comma each, until one is not plain. A plain one has up to 15 characters: digits, maybe a minus before and a
   * point between them; or none, which is NaN.
   * @returns the end of the numbers that it wrote. Where it stopped in the text, behind a cell or at the beginning of one that is not
   * plain, is written at `stopped`.
   */
  readDecimals(text: number, textEnd: number, into: number, intoEnd: number): number;
}

/** What is read beyond the end of a text. */
export const lookahead = 16;

const doubleBytes = 8;
const [zero, comma, point, minus] = [0x30, 0x2c, 0x2e, 0x2d];
/** A bit for each character that was loaded, and one above them. */
const loadedEnd = 1 << lookahead;

/** @param powers - where powers of ten stand, from 10^0 to 10^15 */
export function instantiateDecimals(
  memory: WebAssembly.Memory,
  { powers, stopped }: { readonly powers: number; readonly stopped: number },
): DecimalsKernel {
  const module = wasmModule([readDecimals(powers, stopped)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as DecimalsKernel;
}

/**
 * Sixteen characters are looked at together. Where the next cell begins depends on the place of the comma alone, so that a processor works
 * on some cells at once. The digits, as one integer, are divided by a power of ten: both are doubles exactly, and a division is
 * rounded once. Source: Clinger, How to read floating point numbers accurately (1990).
 */
function readDecimals(powers: number, stopped: number): WasmFunction {
  const frame = new Frame();
  const [text, textEnd, into, intoEnd] = parameters(frame, 4) as [Local, Local, Local, Local];
  const [characters, digits, others] = [frame.local('v128'), frame.local('v128'), frame.local('v128')];
  const [length, sign, marks, whole, hasPoint, places] = Array.from({ length: 6 }, () => frame.local('i32')) as [
    ...[Local, Local, Local, Local, Local, Local],
  ];
  const [isPlain, value] = [frame.local('i32'), frame.local('f64')];
  const character = (at: Local) => i32.load8(i32.add(get(text), get(at)));
  const secondMark = i32.trailingZeros(i32.and(get(marks), i32.subtract(get(marks), i32.constant(1))));
  const body = [
    set(characters, i8x16.load(get(text))),
    set(
      length,
      i32.trailingZeros(
        i32.or(i8x16.bits(i8x16.equal(get(characters), i8x16.constant(comma))), i32.constant(loadedEnd)),
      ),
    ),
    set(sign, i32.equal(i32.load8(get(text)), i32.constant(minus))),
    set(digits, i8x16.subtract(get(characters), i8x16.constant(zero))),
    set(others, i8x16.greaterUnsigned(get(digits), i8x16.constant(9))),
    set(digits, bitAndNot(get(digits), get(others))),
    // What is no digit, beside the sign: a point or the comma at the end, or it is no plain number.
    set(marks, i32.subtract(i32.or(i8x16.bits(get(others)), i32.constant(loadedEnd)), get(sign))),
    set(whole, i32.trailingZeros(get(marks))),
    set(hasPoint, i32.equal(character(whole), i32.constant(point))),
    set(places, i32.subtract(i32.subtract(get(length), get(sign)), get(hasPoint))),
    set(
      isPlain,
      i32.and(
        i32.equal(select(secondMark, get(whole), get(hasPoint)), get(length)),
        i32.and(i32.less(get(length), i32.constant(lookahead)), i32.less(i32.constant(0), get(places))),
      ),
    ),
    ...sumUp(frame, digits, { sign, whole, places }, value),
    set(value, f64.divide(get(value), f64.load(powerOfTen(powers)))),
    set(value, select(f64.negative(get(value)), get(value), get(sign))),
    set(value, select(get(value), f64.constant(Number.NaN), get(length))),
    set(isPlain, i32.or(get(isPlain), i32.isZero(get(length)))),
    when(get(isPlain), [
      f64.store(get(into), get(value)),
      add(into, i32.constant(doubleBytes)),
      add(text, i32.add(get(length), i32.constant(1))),
    ]),
  ];

  /** The address of the power of ten by how many digits stand behind the point, whatever a cell that is not plain looks like. */
  function powerOfTen(from: number) {
    const decimals = i32.subtract(i32.add(get(sign), get(places)), get(whole));
    return i32.add(
      i32.constant(from),
      i32.shiftLeft(i32.and(select(decimals, i32.constant(0), get(hasPoint)), i32.constant(15)), 3),
    );
  }

  const isMore = i32.and(
    get(isPlain),
    i32.and(i32.lessUnsigned(get(text), get(textEnd)), i32.lessUnsigned(get(into), get(intoEnd))),
  );
  return frame.function(
    'readDecimals',
    [set(isPlain, i32.constant(1)), repeatWhile(isMore, body), i32.store(i32.constant(stopped), get(text)), get(into)],
    'i32',
  );
}

interface Places {
  readonly sign: Local;
  readonly whole: Local;
  readonly places: Local;
}

/** The digits of a cell as one number: they are moved to the right, over the point, and put together by twos, fours and eights. */
function sumUp(frame: Frame, digits: Local, { sign, whole, places }: Places, into: Local): Code[] {
  const [lanes, twos, fours] = [frame.local('v128'), frame.local('v128'), frame.local('v128')];
  const numbered = i8x16.lanes(...Array.from({ length: 16 }, (_, lane) => lane));
  const shift = i32.subtract(i32.add(get(places), get(sign)), i32.constant(16));
  // Minus one where it holds.
  const behindPoint = i8x16.atLeast(get(lanes), i8x16.splat(get(whole)));
  const tens = i16x8.multiply(bitAnd(get(digits), i16x8.constant(0xff)), i16x8.constant(10));
  const eights = i32x4.dot(i16x8.fromI32x4(get(fours), get(fours)), i16x8.repeated(10_000, 1));
  const high = f64.multiply(f64.fromI32(i32x4.lane(get(twos), 0)), f64.constant(1e8));
  return [
    set(lanes, i8x16.add(numbered, i8x16.splat(shift))),
    set(digits, i8x16.swizzle(get(digits), i8x16.subtract(get(lanes), behindPoint))),
    set(twos, i16x8.add(tens, i16x8.shiftRight(get(digits), 8))),
    set(fours, i32x4.dot(get(twos), i16x8.repeated(100, 1))),
    set(twos, eights),
    set(into, f64.add(high, f64.fromI32(i32x4.lane(get(twos), 1)))),
  ];
}
