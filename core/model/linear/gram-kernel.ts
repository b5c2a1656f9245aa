import { pageBytes } from '../../numeric/arena.ts';
import {
  add,
  Frame,
  f64x2,
  get,
  i32,
  type Local,
  repeat,
  set,
  type WasmFunction,
  wasmModule,
} from '../../numeric/wasm.ts';
import type { Numbers } from './standardise.ts';

/** Rows are taken four by four: sixteen sums are eight registers of two. */
const side = 4;
const lanes = 2;
const doubleBytes = 8;
const vectorBytes = lanes * doubleBytes;
/** Columns that are laid out at a time: what is read again and again stays in the cache. */
const columnsTogether = 128;

type AddProducts = (left: number, right: number, step: number, end: number, into: number, stride: number) => void;

/**
 * Products of all rows with each other, `count * count`, row-major, in WebAssembly. Each sum goes over the columns in their order, as a
 * plain loop would: the numbers are the same, bit for bit.
 * @param values - `count * width`, row-major
 */
export function gramOf(values: Numbers, count: number, width: number): Float64Array {
  const stride = Math.ceil(count / side) * side;
  const chunk = stride * stride;
  const bytes = (chunk + stride * columnsTogether) * doubleBytes;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  const { exports } = new WebAssembly.Instance(wasmModule([addProducts()]), { memory: { memory } });
  const addTo = exports.addProducts as AddProducts;
  const doubles = new Float64Array(memory.buffer);
  const step = stride * doubleBytes;
  for (let from = 0; from < width; from += columnsTogether) {
    const columns = Math.min(columnsTogether, width - from);
    for (let row = 0; row < count; row++)
      for (let column = 0, at = row * width + from, to = chunk + row; column < columns; column++, at++, to += stride)
        doubles[to] = values[at]!;
    const first = chunk * doubleBytes;
    for (let left = 0; left < stride; left += side)
      for (let right = 0; right <= left; right += side) {
        const [a, b] = [first + left * doubleBytes, first + right * doubleBytes];
        addTo(a, b, step, a + columns * step, (left * stride + right) * doubleBytes, step);
      }
  }
  const gram = new Float64Array(count * count);
  for (let left = 0; left < count; left++)
    for (let right = 0; right <= left; right++) {
      const product = doubles[left * stride + right]!;
      gram[left * count + right] = product;
      gram[right * count + left] = product;
    }
  return gram;
}

/** Adds the products of four rows with four rows over some columns, which are `step` apart. */
function addProducts(): WasmFunction {
  const frame = new Frame();
  const [left, right, step, end, into, stride] = Array.from({ length: 6 }, () => frame.parameter('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const row = frame.local('i32');
  const [first, second, own] = [frame.local('v128'), frame.local('v128'), frame.local('v128')];
  const sums = Array.from({ length: side }, () => [frame.local('v128'), frame.local('v128')] as const);
  const walk = (visit: (pair: readonly [Local, Local]) => readonly (readonly number[])[]) => [
    set(row, get(into)),
    ...sums.flatMap((pair) => [...visit(pair), add(row, get(stride))]),
  ];
  const products = sums.flatMap(([low, high], index) => [
    set(own, f64x2.loadSplat(get(left), index * doubleBytes)),
    set(low, f64x2.add(get(low), f64x2.multiply(get(own), get(first)))),
    set(high, f64x2.add(get(high), f64x2.multiply(get(own), get(second)))),
  ]);
  const body = [
    set(first, f64x2.load(get(right))),
    set(second, f64x2.load(get(right), vectorBytes)),
    ...products,
    add(left, get(step)),
    add(right, get(step)),
  ];
  return frame.function('addProducts', [
    ...walk(([low, high]) => [set(low, f64x2.load(get(row))), set(high, f64x2.load(get(row), vectorBytes))]),
    repeat(body, i32.lessUnsigned(get(left), get(end))),
    ...walk(([low, high]) => [f64x2.store(get(row), get(low)), f64x2.store(get(row), get(high), vectorBytes)]),
  ]);
}
