import { powersOfTen } from '../numeric/plain-decimal-kernel.ts';
import {
  add,
  type Code,
  Frame,
  f64,
  get,
  i32,
  i64,
  type Local,
  parameters,
  repeat,
  repeatWhile,
  select,
  set,
  type WasmFunction,
  when,
} from '../numeric/wasm.ts';

/** A comma and the text of a number take so many bytes; the length is the last of them. The longest, `,-1.2345678901234567e-100`, has less. */
export const cellBytes = 32;
export const cellLengthAt = cellBytes - 1;

/** With more digits behind the point than zeros here, small numbers have an exponent. */
export const triedPowers = powersOfTen.subarray(0, 7);

/** Three digits of each number below a thousand, as the bytes of a word; the last one is how many are left without zeros at the end. */
export const threeDigits = Int32Array.from({ length: 1_000 }, (_, number) => {
  const digits = String(number).padStart(3, '0');
  return Buffer.from(`${digits}${String.fromCharCode(digits.replace(/0+$/, '').length)}`).readInt32LE();
});

const doubleBytes = 8;
/** Integers up to here have nine digits. */
const mostInteger = 10 ** 9 - 1;
const mostDigits = 9;
const [comma, minus, point] = [0x2c, 0x2d, 0x2e];

/** Where {@link threeDigits} and {@link triedPowers} stand in memory. */
export interface CellTables {
  readonly digits: number;
  readonly powers: number;
}

/**
 * Writes the cells of numbers as `String` has them. Most have few digits: those are found by trying, which is much faster. They are the
 * only ones of 15 digits or fewer that are read as this number. What has more is left to the caller: its length is 0.
 */
export function writeCells(tables: CellTables): WasmFunction {
  const frame = new Frame();
  const [values, valuesEnd, into] = parameters(frame, 3) as [Local, Local, Local];
  const [value, size, power, scaled] = Array.from({ length: 4 }, () => frame.local('f64')) as [
    ...[Local, Local, Local, Local],
  ];
  const [powerAt, isShort, isFound] = Array.from({ length: 3 }, () => frame.local('i32')) as [Local, Local, Local];
  const powersEnd = i32.constant(tables.powers + triedPowers.byteLength);
  const tryPower = [
    set(power, f64.load(get(powerAt))),
    set(scaled, f64.nearest(f64.multiply(get(size), get(power)))),
    set(isShort, f64.atLeast(f64.constant(mostInteger), get(scaled))),
    set(isFound, f64.equal(f64.divide(get(scaled), get(power)), get(size))),
    add(powerAt, i32.constant(doubleBytes)),
  ];
  const isNext = i32.and(i32.and(get(isShort), i32.isZero(get(isFound))), i32.lessUnsigned(get(powerAt), powersEnd));
  // The power is the one before the next.
  const decimals = i32.shiftRight(i32.subtract(get(powerAt), i32.constant(tables.powers + doubleBytes)), 3);
  const body = [
    set(value, f64.load(get(values))),
    i32.store8(get(into), i32.constant(comma)),
    i32.store8(get(into), i32.constant(0), cellLengthAt),
    when(f64.notEqual(get(value), get(value)), [i32.store8(get(into), i32.constant(1), cellLengthAt)]),
    set(size, f64.absolute(get(value))),
    set(powerAt, i32.constant(tables.powers)),
    repeat(tryPower, isNext),
    when(
      i32.and(get(isShort), get(isFound)),
      writeDigits(frame, tables.digits, { value: get(values), size: f64.toI32(get(scaled)), decimals, into }),
    ),
    add(values, i32.constant(doubleBytes)),
    add(into, i32.constant(cellBytes)),
  ];
  return frame.function('writeCells', [repeatWhile(i32.lessUnsigned(get(values), get(valuesEnd)), body)]);
}

interface Digits {
  /** Where the number stands: zero has a sign as well. */
  readonly value: Code;
  readonly size: Code;
  readonly decimals: Code;
  readonly into: Local;
}

/** Nine digits, of which the last ones count, are moved to where they belong: first all of them, then those behind the point. */
function writeDigits(frame: Frame, table: number, { value, size, decimals: count, into }: Digits): Code[] {
  const [integer, rest, decimals, digits, at, sign] = Array.from({ length: 6 }, () => frame.local('i32')) as [
    ...[Local, Local, Local, Local, Local, Local],
  ];
  const [low, high] = [frame.local('i64'), frame.local('i64')];
  const [million, thousand] = [i32.constant(1_000_000), i32.constant(1_000)];
  const three = (number: Code) =>
    i64.fromI32(i32.and(i32.load(i32.shiftLeft(number, 2), table), i32.constant(0xff_ff_ff)));
  const atLeast = (bound: number) => i32.isZero(i32.lessUnsigned(get(integer), i32.constant(bound)));
  const bounds = Array.from({ length: mostDigits - 1 }, (_, zeros) => atLeast(10 ** (zeros + 1)));
  const least = i32.add(get(decimals), i32.constant(1));
  const hasPoint = i32.isZero(i32.isZero(get(decimals)));
  // A shift is by less than 64 bits: it is done by halves.
  const halves = (bytes: Code) => i64.fromI32(i32.shiftLeft(bytes, 2));
  const lastOnes = (many: Code) => {
    const skipped = halves(i32.subtract(i32.constant(mostDigits), many));
    const behind = halves(i32.subtract(many, i32.constant(1)));
    return i64.or(
      i64.shiftRightUnsigned(i64.shiftRightUnsigned(get(low), skipped), skipped),
      i64.shiftLeft(i64.shiftLeft(get(high), behind), behind),
    );
  };
  return [
    set(integer, size),
    set(decimals, count),
    set(digits, bounds.reduce(i32.add, i32.constant(1))),
    set(digits, select(get(digits), least, i32.less(get(decimals), get(digits)))),
    set(sign, i32.shiftRight(i32.load(value, 4), 31)),
    set(rest, i32.remainderUnsigned(get(integer), million)),
    set(high, three(i32.remainderUnsigned(get(rest), thousand))),
    set(
      low,
      i64.or(
        three(i32.divideUnsigned(get(integer), million)),
        i64.or(
          i64.shiftLeft(three(i32.divideUnsigned(get(rest), thousand)), i64.constant(24)),
          i64.shiftLeft(get(high), i64.constant(48)),
        ),
      ),
    ),
    set(high, i64.shiftRightUnsigned(get(high), i64.constant(16))),
    i32.store8(get(into), i32.constant(minus), 1),
    set(at, i32.add(get(into), get(sign))),
    i64.store(get(at), lastOnes(get(digits)), 1),
    when(i32.equal(get(digits), i32.constant(mostDigits)), [i32.store8(get(at), i64.low(get(high)), mostDigits)]),
    set(at, i32.add(get(at), i32.subtract(get(digits), get(decimals)))),
    when(get(decimals), [i32.store8(get(at), i32.constant(point), 1), i64.store(get(at), lastOnes(get(decimals)), 2)]),
    i32.store8(get(into), i32.add(i32.add(get(digits), hasPoint), i32.add(get(sign), i32.constant(1))), cellLengthAt),
  ];
}
