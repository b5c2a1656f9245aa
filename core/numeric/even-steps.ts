import { copyNumbers } from './copy-numbers.ts';
import { add, Frame, get, i32, i64, repeatWhile, set, type WasmFunction, wasmModule } from './wasm.ts';

/** Numbers that are written or looked at together: what they take stays in the cache. */
const numbersAtOnce = 4_096;
const numberBytes = 8;

interface StepsKernel {
  fillSteps(into: number, intoEnd: number, first: bigint, step: bigint): void;
  /** Bits that differ between a step and any of those from one number to the next. */
  otherSteps(numbers: number, last: number, step: bigint): bigint;
}

let module: WebAssembly.Module | undefined;

/** Whole numbers of 64 bits at even steps, in WebAssembly: JavaScript makes an object of each. */
export class EvenSteps {
  readonly #kernel: StepsKernel;
  readonly #numbers: BigInt64Array;

  constructor() {
    module ??= wasmModule([fillSteps(), otherSteps()]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    this.#kernel = new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as StepsKernel;
    this.#numbers = new BigInt64Array(memory.buffer, 0, numbersAtOnce);
  }

  /** Writes numbers from the first one on, each by the step more than the one before. */
  fill(into: BigInt64Array, first: bigint, step: bigint): void {
    for (let from = 0; from < into.length; from += numbersAtOnce) {
      const count = Math.min(numbersAtOnce, into.length - from);
      this.#kernel.fillSteps(0, count * numberBytes, first + BigInt(from) * step, step);
      copyNumbers(this.#numbers.subarray(0, count), into, from);
    }
  }

  /** The step from each number to the next one; undefined where it is not the same everywhere, or there is none. */
  stepOf(numbers: BigInt64Array): bigint | undefined {
    const [first, second, last] = [numbers[0], numbers[1], numbers.at(-1)];
    if (first === undefined || second === undefined || last === undefined) return undefined;
    const step = second - first;
    // Arithmetic of 64 bits does not tell of what leads out of them.
    if (first + BigInt(numbers.length - 1) * step !== last) return undefined;
    for (let from = 0; from < numbers.length - 1; from += numbersAtOnce - 1) {
      const some = numbers.subarray(from, from + numbersAtOnce);
      this.#numbers.set(some);
      if (this.#kernel.otherSteps(0, (some.length - 1) * numberBytes, step) !== 0n) return undefined;
    }
    return step;
  }
}

function fillSteps(): WasmFunction {
  const frame = new Frame();
  const [into, end] = [frame.parameter('i32'), frame.parameter('i32')];
  const [number, step] = [frame.parameter('i64'), frame.parameter('i64')];
  const body = [i64.store(get(into), get(number)), add(number, get(step)), add(into, i32.constant(numberBytes))];
  return frame.function('fillSteps', [repeatWhile(i32.lessUnsigned(get(into), get(end)), body)]);
}

function otherSteps(): WasmFunction {
  const frame = new Frame();
  const [numbers, last] = [frame.parameter('i32'), frame.parameter('i32')];
  const step = frame.parameter('i64');
  const others = frame.local('i64');
  const own = i64.subtract(i64.load(get(numbers), numberBytes), i64.load(get(numbers)));
  const body = [set(others, i64.or(get(others), i64.xor(own, get(step)))), add(numbers, i32.constant(numberBytes))];
  return frame.function(
    'otherSteps',
    [repeatWhile(i32.lessUnsigned(get(numbers), get(last)), body), get(others)],
    'i64',
  );
}
