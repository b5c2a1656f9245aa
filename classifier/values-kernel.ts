import { decimalReach, PlainDecimal, reachEnd } from '../core/numeric/plain-decimal-kernel.ts';
import {
  add,
  bitAnd,
  type Code,
  Frame,
  f64,
  get,
  i8x16,
  i32,
  type Local,
  parameters,
  repeatWhile,
  select,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from '../core/numeric/wasm.ts';

/** Reads values by name out of JSON, in WebAssembly. All parameters are addresses. */
export interface ValuesKernel {
  /**
   * Reads names and values, the names in the order of the keys, some of them missing, until the object ends, keys do, or a value comes
   * that is neither null nor a plain decimal.
   * @param text - where a name or nothing that is known begins; a zero has to stand behind the text
   * @returns the key behind the last one that was read or is missing; {@link stateWords} say more
   */
  readValues(text: number, key: number, keysEnd: number, into: number): number;
}

/** 32-bit integers that the kernel leaves at an address. */
export const stateWords = { stopped: 0, present: 1, isOpen: 2 } as const;

/** Where its constants stand. */
export interface ValuesLayout {
  readonly powers: number;
  readonly state: number;
  /** Blocks of 16 bytes of a key: its own bytes, then as many that mask them. Before them, in 16 bytes, stands its length. */
  readonly blocks: number;
}

/** Bytes of one block, of the length before the blocks, and of what is read beyond the end of a text. */
export const blockBytes = decimalReach;
export const keyBytes = (blocks: number): number => blockBytes * (1 + 2 * blocks);

const doubleBytes = 8;
const wordBytes = 4;
const [comma, closing, zero] = [0x2c, 0x7d, 0x30];
const allBits = reachEnd - 1;
const [nullWord, nullLength] = [Buffer.from('null').readInt32LE(), 4];

export function instantiateValues(memory: WebAssembly.Memory, layout: ValuesLayout): ValuesKernel {
  const module = wasmModule([readValues(layout)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as ValuesKernel;
}

function readValues({ powers, state, blocks }: ValuesLayout): WasmFunction {
  const frame = new Frame();
  const [text, key, keysEnd, into] = parameters(frame, 4) as [Local, Local, Local, Local];
  const at = frame.local('i32');
  const number = new PlainDecimal(frame, at);
  const { length } = number;
  const [isNumber, isPlain, isOpen, present] = Array.from({ length: 4 }, () => frame.local('i32')) as [
    ...[Local, Local, Local, Local],
  ];
  const value = frame.local('f64');
  const isNull = i32.and(
    i32.equal(i32.load(get(at)), i32.constant(nullWord)),
    i32.equal(get(length), i32.constant(nullLength)),
  );
  const readValue = [
    set(at, i32.add(get(text), i32.load(get(key)))),
    number.load(),
    set(
      length,
      i32.trailingZeros(i32.or(i32.or(number.bitsOf(comma), number.bitsOf(closing)), i32.constant(reachEnd))),
    ),
    ...number.parts(),
    set(isNumber, i32.and(number.isPlain, isOfJson(number, at))),
    set(isPlain, i32.or(get(isNumber), isNull)),
    ...number.value(value, powers),
    set(value, select(get(value), f64.constant(Number.NaN), get(isNumber))),
    add(present, get(isNumber)),
    add(at, get(length)),
    set(isOpen, i32.or(i32.isZero(get(isPlain)), i32.notEqual(i32.load8(get(at)), i32.constant(closing)))),
    set(text, select(i32.add(get(at), i32.constant(1)), get(text), get(isPlain))),
  ];
  const body = [
    set(isPlain, i32.constant(1)),
    set(value, f64.constant(Number.NaN)),
    when(isAtKey(text, key, blocks), readValue),
    f64.store(get(into), get(value)),
    add(key, select(i32.constant(keyBytes(blocks)), i32.constant(0), get(isPlain))),
    add(into, i32.constant(doubleBytes)),
  ];
  const isMore = i32.and(i32.and(get(isPlain), get(isOpen)), i32.lessUnsigned(get(key), get(keysEnd)));
  const leave = (word: number, what: Local) => i32.store(i32.constant(state + wordBytes * word), get(what));
  return frame.function(
    'readValues',
    [
      set(isPlain, i32.constant(1)),
      set(isOpen, i32.constant(1)),
      repeatWhile(isMore, body),
      leave(stateWords.stopped, text),
      leave(stateWords.present, present),
      leave(stateWords.isOpen, isOpen),
      get(key),
    ],
    'i32',
  );
}

/** Whether the bytes of a key stand in the text. */
function isAtKey(text: Local, key: Local, blocks: number): Code {
  const matches = Array.from({ length: blocks }, (_, block) => {
    const own = blockBytes * (1 + block);
    const masked = bitAnd(i8x16.load(get(text), blockBytes * block), i8x16.load(get(key), own + blockBytes * blocks));
    return i8x16.equal(masked, i8x16.load(get(key), own));
  });
  return i32.equal(i8x16.bits(matches.reduce(bitAnd)), i32.constant(allBits));
}

/** What JSON demands of a plain decimal: digits on both sides of a point, and no zeros before others. */
function isOfJson({ sign, whole, hasPoint, length }: PlainDecimal, at: Local): Code {
  const first = i32.load8(i32.add(get(at), get(sign)));
  const isOneDigit = i32.equal(i32.subtract(get(whole), get(sign)), i32.constant(1));
  return i32.and(
    i32.less(get(sign), get(whole)),
    i32.and(
      i32.or(isOneDigit, i32.notEqual(first, i32.constant(zero))),
      i32.or(i32.isZero(get(hasPoint)), i32.less(i32.add(get(whole), i32.constant(1)), get(length))),
    ),
  );
}
