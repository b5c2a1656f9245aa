import {
  add,
  bitAnd,
  type Code,
  call,
  Frame,
  f32,
  f32x4,
  get,
  i16x8,
  i32,
  i32x4,
  type Local,
  parameters,
  repeat,
  repeatWhile,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from '../../numeric/wasm.ts';
import { taps } from './rocket-plan.ts';

/**
 * Convolutions in whole numbers of 16 bits, in WebAssembly, eight samples at a time, where `rocket-kernel.ts` takes four. All parameters
 * are in bytes. What is written ends at a multiple of {@link integersTogether}.
 */
export interface IntegerKernel {
  /** Writes numbers of 32 bits, multiplied by what stands at `scale`, as the nearest whole numbers. */
  nearest(values: number, scale: number, into: number, end: number): void;
  /** The same, rounded down: a whole number is greater than that exactly where it is greater than the number. */
  below(values: number, scale: number, into: number, end: number): void;
  /** Does the steps of a list, {@link stepBytes} each: those of a dilation are some hundred, and a call of each would cost more. */
  run(steps: number, end: number): void;
}

/**
 * Steps of a list, as their number and what they are given. `sums` writes minus the sum of nine samples that are `step` apart, `pairs`
 * sums of two samples, `triples` three times the sum of a pair and a sample. `shares` and the following write for one bias and more the
 * share of convolutions that are greater; `from` and `end` are those of the convolutions.
 */
export const steps = {
  sums: (samples: number, step: number, into: number, end: number) => [0, samples, step, into, end],
  pairs: (samples: number, second: number, into: number, end: number) => [1, samples, second, into, end],
  triples: (pairs: number, third: number, into: number, end: number) => [2, pairs, third, into, end],
  shares: (
    count: number,
    {
      triples,
      sums,
      from,
      end,
      biases,
      into,
    }: Readonly<Record<'triples' | 'sums' | 'from' | 'end' | 'biases' | 'into', number>>,
  ) => [2 + count, triples, sums, from, end, biases, into],
};
export const stepBytes = 32;

/** So many biases are compared with each convolution as it is made: so many counts fit in registers. */
export const biasesAtOnce = 7;
/** Numbers in a register. */
export const integersTogether = 8;
/** Where ones end and zeros begin: what is read before it keeps so many of eight numbers. */
export const integerBytes = 2;
export const maskBytes = 2 * integersTogether * integerBytes;
/** A sum of eight lanes is counted in each: of more convolutions than this a lane may overflow. */
export const mostCounted = 0x7fff * integersTogether;
const vectorBytes = integersTogether * integerBytes;
const floatBytes = 4;
/** Vectors that the inner loop takes at a time. */
const unrolled = 2;

/** @param mask - where eight numbers of ones stand, and after them eight zeros */
export function instantiateIntegers(memory: WebAssembly.Memory, mask: number): IntegerKernel {
  const sizes = Array.from({ length: biasesAtOnce }, (_, index) => index + 1);
  const kinds = [negativeSums(), pairs(), triples(), ...sizes.map((size) => sharesAbove(size, mask))];
  const rounding = [rounded('nearest', f32x4.nearest), rounded('below', f32x4.floor)];
  const module = wasmModule([...kinds, run(kinds), ...rounding]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as IntegerKernel;
}

function run(kinds: readonly WasmFunction[]): WasmFunction {
  const frame = new Frame();
  const [at, end] = parameters(frame, 2) as [Local, Local];
  const given = (count: number) => Array.from({ length: count }, (_, index) => i32.load(get(at), 4 * (index + 1)));
  const body = kinds.map(({ parameters: count }, kind) =>
    when(i32.equal(i32.load(get(at)), i32.constant(kind)), [call(kind, ...given(count))]),
  );
  return frame.function('run', [
    repeat([...body, add(at, i32.constant(stepBytes))], i32.lessUnsigned(get(at), get(end))),
  ]);
}

function rounded(name: string, round: (value: Code) => Code): WasmFunction {
  const frame = new Frame();
  const [values, scale, into, end] = parameters(frame, 4) as [Local, Local, Local, Local];
  const scales = frame.local('v128');
  const four = (offset: number) => i32x4.fromF32x4(round(f32x4.multiply(f32x4.load(get(values), offset), get(scales))));
  const body = [
    i16x8.store(get(into), i16x8.fromI32x4(four(0), four(vectorBytes))),
    add(values, i32.constant(2 * vectorBytes)),
    add(into, i32.constant(vectorBytes)),
  ];
  return frame.function(name, [
    set(scales, f32x4.loadSplat(get(scale))),
    repeat(body, i32.lessUnsigned(get(into), get(end))),
  ]);
}

function negativeSums(): WasmFunction {
  const frame = new Frame();
  const [samples, step, into, end] = parameters(frame, 4) as [Local, Local, Local, Local];
  const address = frame.local('i32');
  const sum = frame.local('v128');
  const taken = Array.from({ length: taps }, () => [
    set(sum, i16x8.subtract(get(sum), i16x8.load(get(address)))),
    add(address, get(step)),
  ]).flat();
  const body = [
    set(address, get(samples)),
    set(sum, i16x8.zero),
    ...taken,
    i16x8.store(get(into), get(sum)),
    ...[samples, into].map((place) => add(place, i32.constant(vectorBytes))),
  ];
  return frame.function('negativeSums', [repeat(body, i32.lessUnsigned(get(into), get(end)))]);
}

const pairs = (): WasmFunction => combined('pairs', i16x8.add);

const triples = (): WasmFunction =>
  combined('triples', (pair, third) => i16x8.multiply(i16x8.constant(3), i16x8.add(pair, third)));

/** Makes a third row of numbers out of two. */
function combined(name: string, combine: (one: Code, other: Code) => Code): WasmFunction {
  const frame = new Frame();
  const [one, other, into, end] = parameters(frame, 4) as [Local, Local, Local, Local];
  const body = [
    i16x8.store(get(into), combine(i16x8.load(get(one)), i16x8.load(get(other)))),
    ...[one, other, into].map((place) => add(place, i32.constant(vectorBytes))),
  ];
  return frame.function(name, [repeat(body, i32.lessUnsigned(get(into), get(end)))]);
}

function sharesAbove(size: number, mask: number): WasmFunction {
  const frame = new Frame();
  const [threes, sums, from, end, biases, into] = parameters(frame, 6) as [Local, Local, Local, Local, Local, Local];
  const whole = frame.local('i32');
  const value = frame.local('v128');
  const each = Array.from({ length: size }, () => ({ bias: frame.local('v128'), counts: frame.local('v128') }));
  const at = (row: Local, offset: number) => i16x8.load(i32.add(get(row), get(from)), offset);
  const compare = (offset: number, keep = (greater: Code) => greater) => [
    set(value, i16x8.add(at(sums, offset), at(threes, offset))),
    ...each.map(({ bias, counts }) =>
      set(counts, i16x8.subtract(get(counts), keep(i16x8.greater(get(value), get(bias))))),
    ),
  ];
  const several = (vectors: number) => {
    const offsets = Array.from({ length: vectors }, (_, index) => index * vectorBytes);
    const step = i32.constant(vectors * vectorBytes);
    const hasSo = i32.atMost(get(from), i32.subtract(get(end), step));
    return repeatWhile(hasSo, [...offsets.flatMap((offset) => compare(offset)), add(from, step)]);
  };
  // Of the last eight so many ones are read as there are convolutions left.
  const kept = i16x8.load(i32.subtract(i32.constant(mask + vectorBytes), i32.subtract(get(end), get(from))));
  return frame.function(`shares${size}`, [
    ...each.map(({ bias }, index) => set(bias, i16x8.loadSplat(get(biases), index * integerBytes))),
    set(whole, i32.shiftRight(i32.subtract(get(end), get(from)), Math.log2(integerBytes))),
    several(unrolled),
    several(1),
    when(
      i32.less(get(from), get(end)),
      compare(0, (greater) => bitAnd(greater, kept)),
    ),
    ...each.map(({ counts }, index) =>
      f32.store(get(into), f32.divide(f32.fromI32(sumOfLanes(counts)), f32.fromI32(get(whole))), index * floatBytes),
    ),
  ]);
}

const sumOfLanes = (counts: Local): Code =>
  [0, 1, 2, 3]
    .map((lane) => i32x4.lane(i32x4.sumsOfPairs(get(counts)), lane))
    .reduce((sum, each) => i32.add(sum, each));
