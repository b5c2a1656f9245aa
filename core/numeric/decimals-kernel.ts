import { decimalReach, PlainDecimal, reachEnd } from './plain-decimal-kernel.ts';
import {
  add,
  Frame,
  f64,
  get,
  i32,
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
export const lookahead = decimalReach;

const doubleBytes = 8;
const comma = 0x2c;

/** @param powers - where `signedPowersOfTen` stand */
export function instantiateDecimals(
  memory: WebAssembly.Memory,
  { powers, stopped }: { readonly powers: number; readonly stopped: number },
): DecimalsKernel {
  const module = wasmModule([readDecimals(powers, stopped)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as DecimalsKernel;
}

/** Where the next cell begins depends on the place of the comma alone, so that a processor works on some cells at once. */
function readDecimals(powers: number, stopped: number): WasmFunction {
  const frame = new Frame();
  const [text, textEnd, into, intoEnd] = parameters(frame, 4) as [Local, Local, Local, Local];
  const cell = new PlainDecimal(frame, text);
  const { length } = cell;
  const [isPlain, value] = [frame.local('i32'), frame.local('f64')];
  const body = [
    cell.load(),
    set(length, i32.trailingZeros(i32.or(cell.bitsOf(comma), i32.constant(reachEnd)))),
    ...cell.parts(),
    set(isPlain, cell.isPlain),
    ...cell.value(value, powers),
    set(value, select(get(value), f64.constant(Number.NaN), get(length))),
    set(isPlain, i32.or(get(isPlain), i32.isZero(get(length)))),
    when(get(isPlain), [
      f64.store(get(into), get(value)),
      add(into, i32.constant(doubleBytes)),
      add(text, i32.add(get(length), i32.constant(1))),
    ]),
  ];
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
