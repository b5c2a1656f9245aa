import {
  add,
  bitSelect,
  type Code,
  Frame,
  f32x4,
  get,
  i32,
  i32x4,
  type Local,
  repeat,
  set,
  type WasmFunction,
  wasmModule,
} from '../../numeric/wasm.ts';

/**
 * Squared distances of shapelets to a window at every place, in WebAssembly, sixteen places at a time. A squared distance is what the
 * samples and the shapelet have by themselves, less twice their product; the former is the same for all shapelets of a length and dilation:
 * `distance = own + square - factor * product`.
 */
export interface ShapeletKernel {
  /** Writes the least distance at `into`, its place, and how many distances are below the threshold. */
  match(...parameters: SweepParameters): void;
  /**
   * The same of a shapelet and the one after it, whose match is written {@link matchBytes} later: the samples are read once for both.
   */
  matchBoth(...parameters: SweepParameters): void;
  /** Writes the distances themselves at `into`. */
  distances(...parameters: SweepParameters): void;
}

/**
 * Addresses, and `step` in bytes: from one sample that is compared to the next. `own` and `factor` are by place; a NaN in `own` is no
 * place; both are read up to a multiple of sixteen places. `shapelet` leads to its square, the threshold, then its values.
 */
type SweepParameters = [
  samples: number,
  own: number,
  factor: number,
  shapelet: number,
  valuesEnd: number,
  step: number,
  ownEnd: number,
  into: number,
];

/** Places at a time. */
export const placesTogether = 16;
/** Before its values: the square and the threshold. */
export const headOfShapelet = 2;

const vectorBytes = 16;
const floatBytes = 4;
/** What is written of a match. */
export const matchBytes = 3 * vectorBytes;
const lanes = [0, 1, 2, 3];
const vectors = [0, 1, 2, 3];

export function instantiateShapelets(memory: WebAssembly.Memory): ShapeletKernel {
  const module = wasmModule([match('match', 1), match('matchBoth', 2), distances()]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as ShapeletKernel;
}

interface Swept {
  /** Where it begins. */
  readonly at: Code;
  /** Of sixteen places. */
  readonly distance: readonly Local[];
}

interface Sweep {
  readonly into: Local;
  readonly ownEnd: Local;
  readonly own: Local;
  readonly shapelets: readonly Swept[];
  /** Computes the distances of sixteen places and moves on to the next. */
  readonly body: readonly Code[];
}

/** @param count - shapelets that follow each other */
function sweepOf(frame: Frame, count: number): Sweep {
  const [samples, own, factor, shapelet, valuesEnd, step, ownEnd, into] = Array.from({ length: 8 }, () =>
    frame.parameter('i32'),
  ) as [Local, Local, Local, Local, Local, Local, Local, Local];
  const [value, sample] = [frame.local('i32'), frame.local('i32')];
  const [tap, four] = [frame.local('v128'), frame.local('v128')];
  const shapelets = Array.from({ length: count }, (_, which) => ({
    at: which === 0 ? get(shapelet) : get(valuesEnd),
    /** As far from its own beginning as `value` is from that of the first. */
    value: which === 0 ? get(value) : i32.add(get(value), i32.subtract(get(valuesEnd), get(shapelet))),
    tap: frame.local('v128'),
    distance: vectors.map(() => frame.local('v128')),
  }));
  const sums = shapelets.flatMap(({ distance }) => distance);
  const taps: Code[] = [
    ...shapelets.map((each) => set(each.tap, f32x4.loadSplat(each.value))),
    ...vectors.flatMap((at) => [
      set(four, f32x4.load(get(sample), at * vectorBytes)),
      ...shapelets.map(({ tap: each, distance }) =>
        set(distance[at]!, f32x4.add(get(distance[at]!), f32x4.multiply(get(each), get(four)))),
      ),
    ]),
    add(sample, get(step)),
    add(value, i32.constant(floatBytes)),
  ];
  const body: Code[] = [
    ...sums.map((sum) => set(sum, f32x4.zero)),
    set(value, i32.add(get(shapelet), i32.constant(headOfShapelet * floatBytes))),
    set(sample, get(samples)),
    repeat(taps, i32.lessUnsigned(get(value), get(valuesEnd))),
    ...shapelets.flatMap(({ at: begin, distance }) => [
      set(tap, f32x4.loadSplat(begin)),
      ...distance.map((sum, at) =>
        set(
          sum,
          f32x4.subtract(
            f32x4.add(f32x4.load(get(own), at * vectorBytes), get(tap)),
            f32x4.multiply(f32x4.load(get(factor), at * vectorBytes), get(sum)),
          ),
        ),
      ),
    ]),
    ...[samples, own, factor].map((each) => add(each, i32.constant(placesTogether * floatBytes))),
  ];
  return { into, ownEnd, own, shapelets, body };
}

function distances(): WasmFunction {
  const frame = new Frame();
  const { into, ownEnd, own, shapelets, body } = sweepOf(frame, 1);
  const write = [
    ...shapelets.flatMap(({ distance }) =>
      distance.map((each, at) => f32x4.store(get(into), get(each), at * vectorBytes)),
    ),
    add(into, i32.constant(placesTogether * floatBytes)),
  ];
  return frame.function('distances', [repeat([...body, ...write], i32.lessUnsigned(get(own), get(ownEnd)))]);
}

/** Each lane keeps the least distance of its places, and where it was. */
function match(name: string, count: number): WasmFunction {
  const frame = new Frame();
  const { into, ownEnd, own, shapelets, body } = sweepOf(frame, count);
  const [here, closer] = [frame.local('v128'), frame.local('v128')];
  const matches = shapelets.map((shapelet) => ({
    ...shapelet,
    least: frame.local('v128'),
    place: frame.local('v128'),
    below: frame.local('v128'),
    threshold: frame.local('v128'),
  }));
  const compare = vectors.flatMap((at) => [
    ...matches.flatMap(({ distance, least, place, below, threshold }) => [
      set(closer, f32x4.less(get(distance[at]!), get(least))),
      set(least, bitSelect(get(distance[at]!), get(least), get(closer))),
      set(place, bitSelect(get(here), get(place), get(closer))),
      set(below, i32x4.subtract(get(below), f32x4.less(get(distance[at]!), get(threshold)))),
    ]),
    set(here, f32x4.add(get(here), f32x4.constant(lanes.length))),
  ]);
  const countOf = (below: Local) =>
    lanes.map((lane) => i32x4.lane(get(below), lane)).reduce((sum, each) => i32.add(sum, each));
  return frame.function(name, [
    set(here, f32x4.lanes(0, 1, 2, 3)),
    ...matches.flatMap(({ at, least, threshold }) => [
      set(least, f32x4.constant(Number.POSITIVE_INFINITY)),
      set(threshold, f32x4.loadSplat(at, floatBytes)),
    ]),
    repeat([...body, ...compare], i32.lessUnsigned(get(own), get(ownEnd))),
    ...matches.flatMap(({ least, place, below }, index) => [
      f32x4.store(get(into), get(least), index * matchBytes),
      f32x4.store(get(into), get(place), index * matchBytes + vectorBytes),
      i32.store(get(into), countOf(below), index * matchBytes + 2 * vectorBytes),
    ]),
  ]);
}
