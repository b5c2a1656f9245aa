import {
  add,
  Frame,
  get,
  i32,
  i64,
  type Local,
  parameters,
  repeatWhile,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from '../numeric/wasm.ts';

/** Finds places of numbers in a table of distinct ones, in WebAssembly. All parameters are addresses. */
export interface DistinctKernel {
  /**
   * Writes the place of each number, and takes up those that are new, until the table is full.
   * @returns the end of the numbers that were found
   */
  findDistinct(values: number, valuesEnd: number, into: number, table: number): number;
}

/**
 * The beginning of a table: bytes from there to each part. Numbers are looked up by their bits: every NaN apart from all others, and -0
 * from 0. A slot of 16 bits holds where a number is, plus one, at the place that its bits give or at the next free one.
 */
export const tableParts = { size: 0, most: 4, mask: 8, shift: 12, slots: 16, doubles: 20, head: 24 } as const;

const doubleBytes = 8;
const indexBytes = 2;
/** The golden ratio, as a fraction of 2^64. Source: Knuth, The Art of Computer Programming 3, 6.4. */
const golden = 0x9e3779b97f4a7c15n;

/** Compiled once: code that ran for long is better compiled. */
let module: WebAssembly.Module | undefined;

export function instantiateDistinct(memory: WebAssembly.Memory): DistinctKernel {
  module ??= wasmModule([findDistinct()]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as DistinctKernel;
}

function findDistinct(): WasmFunction {
  const frame = new Frame();
  const [values, valuesEnd, into, table] = parameters(frame, 4) as [Local, Local, Local, Local];
  const [size, most, mask, slots, doubles] = Array.from({ length: 5 }, () => frame.local('i32')) as [
    ...[Local, Local, Local, Local, Local],
  ];
  const [slot, found, isOpen, hasRoom] = Array.from({ length: 4 }, () => frame.local('i32')) as [
    ...[Local, Local, Local, Local],
  ];
  const [bits, shift] = [frame.local('i64'), frame.local('i64')];
  const part = (name: keyof typeof tableParts) => i32.load(get(table), tableParts[name]);
  const hash = i64.multiply(get(bits), i64.bits(golden));
  const slotAt = i32.add(get(slots), i32.shiftLeft(get(slot), 1));
  const place = (at: Local) => i32.add(get(doubles), i32.shiftLeft(get(at), 3));
  // Of a free slot it is what stands before the first number.
  const look = [
    set(found, i32.load16(slotAt)),
    set(isOpen, i32.isZero(i64.equal(i64.load(i32.subtract(place(found), i32.constant(doubleBytes))), get(bits)))),
    set(isOpen, i32.and(get(isOpen), i32.isZero(i32.isZero(get(found))))),
  ];
  const takeUp = [
    i64.store(place(size), get(bits)),
    add(size, i32.constant(1)),
    i32.store16(slotAt, get(size)),
    set(found, get(size)),
  ];
  const body = [
    set(bits, i64.load(get(values))),
    set(slot, i64.low(i64.shiftRightUnsigned(hash, get(shift)))),
    ...look,
    repeatWhile(get(isOpen), [set(slot, i32.and(i32.add(get(slot), i32.constant(1)), get(mask))), ...look]),
    when(i32.isZero(get(found)), [set(hasRoom, i32.lessUnsigned(get(size), get(most))), when(get(hasRoom), takeUp)]),
    when(get(hasRoom), [
      i32.store16(get(into), i32.subtract(get(found), i32.constant(1))),
      add(values, i32.constant(doubleBytes)),
      add(into, i32.constant(indexBytes)),
    ]),
  ];
  return frame.function(
    'findDistinct',
    [
      set(size, part('size')),
      set(most, part('most')),
      set(mask, part('mask')),
      set(shift, i64.fromI32(part('shift'))),
      set(slots, part('slots')),
      set(doubles, part('doubles')),
      set(hasRoom, i32.constant(1)),
      repeatWhile(i32.and(get(hasRoom), i32.lessUnsigned(get(values), get(valuesEnd))), body),
      i32.store(get(table), get(size), tableParts.size),
      get(values),
    ],
    'i32',
  );
}
