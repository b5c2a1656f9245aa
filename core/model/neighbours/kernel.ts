import { pageBytes } from '../../numeric/arena.ts';
import {
  add,
  type Code,
  Frame,
  f32,
  f32x4,
  get,
  i32,
  type Local,
  repeat,
  set,
  type WasmFunction,
  wasmModule,
} from '../../numeric/wasm.ts';

/**
 * The two matrix products that nearly all of the time of neighbours goes into, in WebAssembly, four numbers at a time.
 *
 * Planes are rows of `length` numbers, one plane after the other, from address 0. A product reads each of them once for
 * four queries at a time. Neither order nor rounding depends on the machine.
 */
export interface ProductKernel {
  /** Four queries' factors, `planes` each, times the planes: `length` numbers for each query, written at `out`. */
  weigh(factors: number, out: number): void;
  /** Four queries' factors, `length` each, times the transposed planes: `planes` numbers for each query, written at `out`. */
  gather(factors: number, out: number): void;
}

/** Queries that a product takes at once. Planes come in multiples of this too, their length in multiples of its square. */
export const together = 4;

const vectorBytes = 16;
const floatBytes = 4;

const four = <T>(make: (index: number) => T): T[] => Array.from({ length: together }, (_, index) => make(index));

export function instantiateProducts(memory: WebAssembly.Memory, planes: number, length: number): ProductKernel {
  const sharedPages = memory.buffer.byteLength / pageBytes;
  const module = wasmModule([weigh(planes, length), gather(planes, length)], { sharedPages });
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as ProductKernel;
}

/** Sixteen neighbouring columns of four queries are summed at a time, in registers. */
function weigh(planes: number, length: number): WasmFunction {
  const planeBytes = length * floatBytes;
  const factorBytes = planes * floatBytes;
  const frame = new Frame();
  const [factors, out] = [frame.parameter('i32'), frame.parameter('i32')];
  const [column, plane, factor, end] = four(() => frame.local('i32')) as [Local, Local, Local, Local];
  const columns = four(() => frame.local('v128'));
  const sums = four(() => four(() => frame.local('v128')));
  const addPlane: Code[] = [
    ...columns.map((each, part) => set(each, f32x4.load(get(plane), part * vectorBytes))),
    ...sums.flatMap((parts, query) =>
      parts.map((sum, part) =>
        add(sum, f32x4.multiply(f32x4.loadSplat(get(factor), query * factorBytes), get(columns[part]!))),
      ),
    ),
    add(plane, i32.constant(planeBytes)),
    add(factor, i32.constant(floatBytes)),
  ];
  const address = i32.add(get(out), get(column));
  const body = repeat(
    [
      ...sums.flat().map((sum) => set(sum, f32x4.zero)),
      set(plane, get(column)),
      set(factor, get(factors)),
      repeat(addPlane, i32.lessUnsigned(get(factor), get(end))),
      ...sums.flatMap((parts, query) =>
        parts.map((sum, part) => f32x4.store(address, get(sum), query * planeBytes + part * vectorBytes)),
      ),
      add(column, i32.constant(together * vectorBytes)),
    ],
    i32.lessUnsigned(get(column), i32.constant(planeBytes)),
  );
  return frame.function('weigh', [set(end, i32.add(get(factors), i32.constant(factorBytes))), body]);
}

/** Four planes with four queries are summed at a time. */
function gather(planes: number, length: number): WasmFunction {
  const planeBytes = length * floatBytes;
  const frame = new Frame();
  const [factors, out] = [frame.parameter('i32'), frame.parameter('i32')];
  const [group, plane, factor, end] = four(() => frame.local('i32')) as [Local, Local, Local, Local];
  const values = four(() => frame.local('v128'));
  const sums = four(() => four(() => frame.local('v128')));
  const addColumns: Code[] = [
    ...values.map((each, at) => set(each, f32x4.load(get(plane), at * planeBytes))),
    ...sums.flatMap((parts, query) =>
      parts.map((sum, at) => add(sum, f32x4.multiply(f32x4.load(get(factor), query * planeBytes), get(values[at]!)))),
    ),
    add(plane, i32.constant(vectorBytes)),
    add(factor, i32.constant(vectorBytes)),
  ];
  const whole = (sum: Local) => four((lane) => f32x4.lane(get(sum), lane)).reduce(f32.add);
  const body = repeat(
    [
      ...sums.flat().map((sum) => set(sum, f32x4.zero)),
      set(plane, get(group)),
      set(factor, get(factors)),
      repeat(addColumns, i32.lessUnsigned(get(factor), get(end))),
      ...sums.flatMap((parts, query) =>
        parts.map((sum, at) => f32.store(get(out), whole(sum), (query * planes + at) * floatBytes)),
      ),
      add(out, i32.constant(together * floatBytes)),
      add(group, i32.constant(together * planeBytes)),
    ],
    i32.lessUnsigned(get(group), i32.constant(planes * planeBytes)),
  );
  return frame.function('gather', [set(end, i32.add(get(factors), i32.constant(planeBytes))), body]);
}
