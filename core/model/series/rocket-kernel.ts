import {
  add,
  type Code,
  Frame,
  f32,
  f32x4,
  get,
  i32,
  i32x4,
  type Local,
  parameters,
  repeat,
  repeatWhile,
  set,
  type WasmFunction,
  wasmModule,
} from '../../numeric/wasm.ts';
import { taps } from './rocket-plan.ts';

/**
 * Convolutions with weights of -1 and 2, and how often they exceed biases, in WebAssembly, four samples at a time. A convolution is three
 * times the three samples whose weight is 2, less the sum of all nine; that sum is shared by all kernels. Kernels whose three samples
 * stand equally far from each other may share three times their sum as well. All parameters are in bytes, but for `whole`; `from` and
 * `end` are those of the output.
 */
export interface RocketKernel {
  /** Adds samples to samples. */
  addSamples(into: number, samples: number, end: number): void;
  /** Writes minus the sum of nine samples that are `step` apart. */
  negativeSums(samples: number, step: number, into: number, from: number, end: number): void;
  /** Writes the convolutions themselves; `a`, `b` and `c` lead to the three samples whose weight is 2. */
  convolve(
    samples: number,
    sums: number,
    a: number,
    b: number,
    c: number,
    into: number,
    from: number,
    end: number,
  ): void;
  /** Counts convolutions that are no NaN. */
  measured(samples: number, sums: number, a: number, b: number, c: number, from: number, end: number): number;
  /** By number of biases, less one: writes for each the share of `whole` convolutions that are greater. A NaN is not. */
  readonly few: readonly ((...parameters: FewParameters) => void)[];
  /** Writes sums of two samples. This and {@link triples} write up to a multiple of {@link writtenTogether}. */
  pairs(samples: number, second: number, into: number, from: number, end: number): void;
  /** Writes three times the sum of a pair and a sample. */
  triples(pairs: number, third: number, into: number, from: number, end: number): void;
  /** As `few`, of convolutions whose triples are there. */
  readonly fewOfTriples: readonly ((...parameters: TriplesParameters) => void)[];
  /**
   * The same for many biases, of convolutions that {@link convolve} wrote: sixteen biases side by side. Biases are read, and shares
   * written, up to a multiple of sixteen; convolutions are read up to a multiple of four.
   */
  many(convolutions: number, end: number, biases: number, into: number, intoEnd: number, whole: number): void;
}

type FewParameters = [
  samples: number,
  sums: number,
  a: number,
  b: number,
  c: number,
  from: number,
  end: number,
  biases: number,
  into: number,
  whole: number,
];

type TriplesParameters = [
  triples: number,
  sums: number,
  from: number,
  end: number,
  biases: number,
  into: number,
  whole: number,
];

/** So many biases are compared with each convolution as it is made: so many counts fit in registers. */
export const fewBiases = 7;
/** Of more biases so many are compared at a time. */
export const biasesTogether = 16;
/** Vectors that a loop takes at a time. */
const unrolled = 4;
const vectorBytes = 16;
const floatBytes = 4;
const lanes = [0, 1, 2, 3];
/** Numbers that a loop writes at a time where it may write beyond the end. */
export const writtenTogether = unrolled * lanes.length;

export function instantiateRocket(memory: WebAssembly.Memory): RocketKernel {
  const sizes = Array.from({ length: fewBiases }, (_, index) => index + 1);
  const module = wasmModule([
    ...[addSamples(), negativeSums(), convolve(), measured(), many(), pairs(), triples()],
    ...sizes.flatMap((size) => [fewShares(size), fewSharesOfTriples(size)]),
  ]);
  const { exports } = new WebAssembly.Instance(module, { memory: { memory } });
  const all = exports as unknown as RocketKernel &
    Record<`few${number}`, RocketKernel['few'][number]> &
    Record<`triples${number}`, RocketKernel['fewOfTriples'][number]>;
  return {
    ...all,
    few: sizes.map((size) => all[`few${size}`]!),
    fewOfTriples: sizes.map((size) => all[`triples${size}`]!),
  };
}

function addSamples(): WasmFunction {
  const frame = new Frame();
  const [into, samples, end] = parameters(frame, 3) as [Local, Local, Local];
  const body = [
    f32x4.store(get(into), f32x4.add(f32x4.load(get(into)), f32x4.load(get(samples)))),
    add(into, i32.constant(vectorBytes)),
    add(samples, i32.constant(vectorBytes)),
  ];
  return frame.function('addSamples', [repeat(body, i32.lessUnsigned(get(into), get(end)))]);
}

function negativeSums(): WasmFunction {
  const frame = new Frame();
  const [samples, step, into, from, end] = parameters(frame, 5) as [Local, Local, Local, Local, Local];
  const address = frame.local('i32');
  const sum = frame.local('v128');
  const taken = Array.from({ length: taps }, () => [
    set(sum, f32x4.subtract(get(sum), f32x4.load(get(address)))),
    add(address, get(step)),
  ]).flat();
  const body = [
    set(address, i32.add(get(samples), get(from))),
    set(sum, f32x4.zero),
    ...taken,
    f32x4.store(i32.add(get(into), get(from)), get(sum)),
    add(from, i32.constant(vectorBytes)),
  ];
  return frame.function('negativeSums', [repeat(body, i32.lessUnsigned(get(from), get(end)))]);
}

interface Convolution {
  readonly samples: Local;
  readonly sums: Local;
  readonly a: Local;
  readonly b: Local;
  readonly c: Local;
}

/** Turns where samples begin into the addresses of the three: `from` then counts from there. */
const towards = ({ samples, a, b, c }: Convolution): Code[] =>
  [a, b, c].map((tap) => set(tap, i32.add(get(samples), get(tap))));

const convolutionAt = ({ sums, a, b, c }: Convolution, from: Local, offset = 0): Code => {
  const at = (local: Local) => f32x4.load(i32.add(get(local), get(from)), offset);
  return f32x4.add(at(sums), f32x4.multiply(f32x4.constant(3), f32x4.add(f32x4.add(at(a), at(b)), at(c))));
};

function convolutionOf(frame: Frame): Convolution {
  const [samples, sums, a, b, c] = parameters(frame, 5) as [Local, Local, Local, Local, Local];
  return { samples, sums, a, b, c };
}

function convolve(): WasmFunction {
  const frame = new Frame();
  const given = convolutionOf(frame);
  const [into, from, end] = parameters(frame, 3) as [Local, Local, Local];
  const body = [
    f32x4.store(i32.add(get(into), get(from)), convolutionAt(given, from)),
    add(from, i32.constant(vectorBytes)),
  ];
  return frame.function('convolve', [...towards(given), repeat(body, i32.lessUnsigned(get(from), get(end)))]);
}

const sumOfLanes = (counts: Local): Code =>
  lanes.map((lane) => i32x4.lane(get(counts), lane)).reduce((sum, each) => i32.add(sum, each));

function measured(): WasmFunction {
  const frame = new Frame();
  const given = convolutionOf(frame);
  const [from, end] = parameters(frame, 2) as [Local, Local];
  const [value, counts] = [frame.local('v128'), frame.local('v128')];
  const body = [
    set(value, convolutionAt(given, from)),
    set(counts, i32x4.subtract(get(counts), f32x4.equal(get(value), get(value)))),
    add(from, i32.constant(vectorBytes)),
  ];
  const loop = repeat(body, i32.lessUnsigned(get(from), get(end)));
  return frame.function('measured', [...towards(given), loop, sumOfLanes(counts)], 'i32');
}

const pairs = (): WasmFunction => combined('pairs', f32x4.add);

const triples = (): WasmFunction =>
  combined('triples', (pair, third) => f32x4.multiply(f32x4.constant(3), f32x4.add(pair, third)));

/** Makes a third row of numbers out of two. */
function combined(name: string, combine: (one: Code, other: Code) => Code): WasmFunction {
  const frame = new Frame();
  const [one, other, into, from, end] = parameters(frame, 5) as [Local, Local, Local, Local, Local];
  const at = (row: Local) => i32.add(get(row), get(from));
  const body = vectorsOf(unrolled).map((offset) =>
    f32x4.store(at(into), combine(f32x4.load(at(one), offset), f32x4.load(at(other), offset)), offset),
  );
  const step = add(from, i32.constant(unrolled * vectorBytes));
  return frame.function(name, [repeat([...body, step], i32.less(get(from), get(end)))]);
}

const vectorsOf = (count: number): number[] => Array.from({ length: count }, (_, index) => index * vectorBytes);

function fewShares(size: number): WasmFunction {
  const frame = new Frame();
  const given = convolutionOf(frame);
  const valueAt = (from: Local, offset: number) => convolutionAt(given, from, offset);
  return sharesAbove(frame, `few${size}`, { size, before: towards(given), valueAt });
}

function fewSharesOfTriples(size: number): WasmFunction {
  const frame = new Frame();
  const [threes, sums] = parameters(frame, 2) as [Local, Local];
  const at = (row: Local, from: Local, offset: number) => f32x4.load(i32.add(get(row), get(from)), offset);
  const valueAt = (from: Local, offset: number) => f32x4.add(at(sums, from, offset), at(threes, from, offset));
  return sharesAbove(frame, `triples${size}`, { size, before: [], valueAt });
}

interface Compared {
  /** Biases. */
  readonly size: number;
  readonly before: readonly Code[];
  readonly valueAt: (from: Local, offset: number) => Code;
}

function sharesAbove(frame: Frame, name: string, { size, before, valueAt }: Compared): WasmFunction {
  const [from, end, biases, into, whole] = parameters(frame, 5) as [Local, Local, Local, Local, Local];
  const value = frame.local('v128');
  const each = Array.from({ length: size }, () => ({ bias: frame.local('v128'), counts: frame.local('v128') }));
  const compare = (offset: number) => [
    set(value, valueAt(from, offset)),
    ...each.map(({ bias, counts }) => set(counts, i32x4.subtract(get(counts), f32x4.greater(get(value), get(bias))))),
  ];
  const several = [...vectorsOf(unrolled).flatMap(compare), add(from, i32.constant(unrolled * vectorBytes))];
  const single = [...compare(0), add(from, i32.constant(vectorBytes))];
  const beforeLast = i32.less(get(from), i32.subtract(get(end), i32.constant((unrolled - 1) * vectorBytes)));
  return frame.function(name, [
    ...before,
    ...each.map(({ bias }, index) => set(bias, f32x4.loadSplat(get(biases), index * floatBytes))),
    repeatWhile(beforeLast, several),
    repeatWhile(i32.less(get(from), get(end)), single),
    ...each.map(({ counts }, index) =>
      f32.store(get(into), f32.divide(f32.fromI32(sumOfLanes(counts)), f32.fromI32(get(whole))), index * floatBytes),
    ),
  ]);
}

function many(): WasmFunction {
  const frame = new Frame();
  const [convolutions, end, biases, into, intoEnd, whole] = parameters(frame, 6) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const at = frame.local('i32');
  const value = frame.local('v128');
  const each = Array.from({ length: biasesTogether / lanes.length }, () => ({
    bias: frame.local('v128'),
    counts: frame.local('v128'),
  }));
  const compare = lanes.flatMap((lane) => [
    set(value, f32x4.loadSplat(get(at), lane * floatBytes)),
    ...each.map(({ bias, counts }) => set(counts, i32x4.subtract(get(counts), f32x4.greater(get(value), get(bias))))),
  ]);
  const group = [
    ...each.flatMap(({ bias, counts }, index) => [
      set(bias, f32x4.load(get(biases), index * vectorBytes)),
      set(counts, i32x4.zero),
    ]),
    set(at, get(convolutions)),
    repeat([...compare, add(at, i32.constant(vectorBytes))], i32.lessUnsigned(get(at), get(end))),
    set(value, f32x4.splat(f32.fromI32(get(whole)))),
    ...each.map(({ counts }, index) =>
      f32x4.store(get(into), f32x4.divide(f32x4.fromI32x4(get(counts)), get(value)), index * vectorBytes),
    ),
    ...[biases, into].map((place) => add(place, i32.constant(biasesTogether * floatBytes))),
  ];
  return frame.function('many', [repeat(group, i32.lessUnsigned(get(into), get(intoEnd)))]);
}
