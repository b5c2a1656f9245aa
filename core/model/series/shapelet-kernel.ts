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
 * Squared distances of a shapelet to a window at every place, in WebAssembly, sixteen places at a time. A squared distance is what the
 * samples and the shapelet have by themselves, less twice their product; the former is the same for all shapelets of a length and dilation:
 * `distance = own + square - factor * product`.
 */
export interface ShapeletKernel {
  /** Writes the least distance at `into`, its place, and how many distances are below the threshold. */
  match(...parameters: SweepParameters): void;
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
const lanes = [0, 1, 2, 3];
const vectors = [0, 1, 2, 3];

export function instantiateShapelets(memory: WebAssembly.Memory): ShapeletKernel {
  const module = wasmModule([match(), distances()]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as ShapeletKernel;
}

interface Sweep {
  readonly into: Local;
  readonly ownEnd: Local;
  readonly own: Local;
  readonly shapelet: Local;
  readonly distance: readonly Local[];
  /** Computes the distances of sixteen places and moves on to the next. */
  readonly body: readonly Code[];
}

function sweepOf(frame: Frame): Sweep {
  const [samples, own, factor, shapelet, valuesEnd, step, ownEnd, into] = Array.from({ length: 8 }, () =>
    frame.parameter('i32'),
  ) as [Local, Local, Local, Local, Local, Local, Local, Local];
  const [value, sample] = [frame.local('i32'), frame.local('i32')];
  const tap = frame.local('v128');
  const distance = vectors.map(() => frame.local('v128'));
  const taps: Code[] = [
    set(tap, f32x4.loadSplat(get(value))),
    ...distance.map((sum, at) =>
      set(sum, f32x4.add(get(sum), f32x4.multiply(get(tap), f32x4.load(get(sample), at * vectorBytes)))),
    ),
    add(sample, get(step)),
    add(value, i32.constant(floatBytes)),
  ];
  const body: Code[] = [
    ...distance.map((sum) => set(sum, f32x4.zero)),
    set(value, i32.add(get(shapelet), i32.constant(headOfShapelet * floatBytes))),
    set(sample, get(samples)),
    repeat(taps, i32.lessUnsigned(get(value), get(valuesEnd))),
    set(tap, f32x4.loadSplat(get(shapelet))),
    ...distance.map((sum, at) =>
      set(
        sum,
        f32x4.subtract(
          f32x4.add(f32x4.load(get(own), at * vectorBytes), get(tap)),
          f32x4.multiply(f32x4.load(get(factor), at * vectorBytes), get(sum)),
        ),
      ),
    ),
    ...[samples, own, factor].map((each) => add(each, i32.constant(placesTogether * floatBytes))),
  ];
  return { into, ownEnd, own, shapelet, distance, body };
}

function distances(): WasmFunction {
  const frame = new Frame();
  const { into, ownEnd, own, distance, body } = sweepOf(frame);
  const write = [
    ...distance.map((each, at) => f32x4.store(get(into), get(each), at * vectorBytes)),
    add(into, i32.constant(placesTogether * floatBytes)),
  ];
  return frame.function('distances', [repeat([...body, ...write], i32.lessUnsigned(get(own), get(ownEnd)))]);
}

/** Each lane keeps the least distance of its places, and where it was. */
function match(): WasmFunction {
  const frame = new Frame();
  const { into, ownEnd, own, shapelet, distance, body } = sweepOf(frame);
  const [least, place, here, closer, below, threshold] = Array.from({ length: 6 }, () => frame.local('v128')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const compare = distance.flatMap((each) => [
    set(closer, f32x4.less(get(each), get(least))),
    set(least, bitSelect(get(each), get(least), get(closer))),
    set(place, bitSelect(get(here), get(place), get(closer))),
    set(below, i32x4.subtract(get(below), f32x4.less(get(each), get(threshold)))),
    set(here, f32x4.add(get(here), f32x4.constant(lanes.length))),
  ]);
  const count = lanes.map((lane) => i32x4.lane(get(below), lane)).reduce((sum, each) => i32.add(sum, each));
  return frame.function('match', [
    set(least, f32x4.constant(Number.POSITIVE_INFINITY)),
    set(here, f32x4.lanes(0, 1, 2, 3)),
    set(threshold, f32x4.loadSplat(get(shapelet), floatBytes)),
    repeat([...body, ...compare], i32.lessUnsigned(get(own), get(ownEnd))),
    f32x4.store(get(into), get(least)),
    f32x4.store(get(into), get(place), vectorBytes),
    i32.store(get(into), count, 2 * vectorBytes),
  ]);
}
