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
import type { Ridge } from './ridge.ts';
import type { Numbers } from './standardise.ts';

const lanes = 2;
const doubleBytes = 8;
const floatBytes = 4;
const vectorBytes = lanes * doubleBytes;
/** Sums of two scores that fit in registers beside what they are made of. */
const vectorsTogether = 8;
/** One sum alone is no faster: each addition waits for the one before. */
const leastScores = 2;

type AddScores = (values: number, valuesEnd: number, coefficients: number, step: number, into: number) => void;

/** The scores of rows without gaps, by row and score. */
export type Scorer = (values: Numbers, count: number) => Float64Array;

/**
 * Scores of a linear classifier, in WebAssembly two side by side. Each sum goes over the columns in their order, as a plain loop would:
 * the numbers are the same, bit for bit. Coefficients of 32 bits stay so in memory: of a row alone, to read them is what takes longest.
 */
export function openScorer(ridge: Ridge): Scorer {
  const { width, coefficients, intercepts } = ridge;
  if (intercepts.length < leastScores) return (values, count) => plainScores(ridge, values, count);
  const each = Math.ceil(intercepts.length / lanes) * lanes;
  const isShort = coefficients instanceof Float32Array;
  const size = isShort ? floatBytes : doubleBytes;
  const row = Math.ceil((each * width * size) / doubleBytes);
  const scores = row + width + (width % lanes);
  const bytes = (scores + each) * doubleBytes;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  const sizes = Array.from({ length: vectorsTogether }, (_, index) => index + 1);
  const module = wasmModule(sizes.map((count) => addScores(count, isShort)));
  const { exports } = new WebAssembly.Instance(module, { memory: { memory } });
  const kernels = sizes.map((count) => exports[`add${count}`] as AddScores);
  const doubles = new Float64Array(memory.buffer);
  const kept = isShort ? new Float32Array(memory.buffer) : doubles;
  place(ridge, each, kept);
  return (values, count) => {
    const found = new Float64Array(count * intercepts.length);
    for (let at = 0; at < count; at++) {
      doubles.set(values.subarray(at * width, (at + 1) * width), row);
      doubles.set(intercepts, scores);
      for (let first = 0; first < each; first += vectorsTogether * lanes) {
        const vectors = Math.min(vectorsTogether, (each - first) / lanes);
        kernels[vectors - 1]!(
          row * doubleBytes,
          (row + width) * doubleBytes,
          first * width * size,
          vectors * lanes * size,
          (scores + first) * doubleBytes,
        );
      }
      found.set(doubles.subarray(scores, scores + intercepts.length), at * intercepts.length);
    }
    return found;
  };
}

/** Scores that are summed together lie together: memory is then read from its beginning to its end. */
function place({ width, coefficients, intercepts }: Ridge, each: number, into: Numbers): void {
  for (let score = 0; score < intercepts.length; score++) {
    const first = score - (score % (vectorsTogether * lanes));
    const together = Math.min(vectorsTogether * lanes, each - first);
    for (let column = 0; column < width; column++)
      into[first * width + column * together + score - first] = coefficients[score * width + column]!;
  }
}

/** Adds to some scores what a row's values times their coefficients are; these stand `step` apart from column to column. */
function addScores(size: number, isShort: boolean): WasmFunction {
  const frame = new Frame();
  const [values, valuesEnd, coefficients, step, into] = Array.from({ length: 5 }, () => frame.parameter('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const value = frame.local('v128');
  const sums = Array.from({ length: size }, () => frame.local('v128'));
  const [load, bytes] = isShort ? [f64x2.loadFloats, lanes * floatBytes] : [f64x2.load, vectorBytes];
  const body = [
    set(value, f64x2.loadSplat(get(values))),
    ...sums.map((sum, at) =>
      set(sum, f64x2.add(get(sum), f64x2.multiply(load(get(coefficients), at * bytes), get(value)))),
    ),
    add(values, i32.constant(doubleBytes)),
    add(coefficients, get(step)),
  ];
  return frame.function(`add${size}`, [
    ...sums.map((sum, at) => set(sum, f64x2.load(get(into), at * vectorBytes))),
    repeat(body, i32.lessUnsigned(get(values), get(valuesEnd))),
    ...sums.map((sum, at) => f64x2.store(get(into), get(sum), at * vectorBytes)),
  ]);
}

function plainScores({ width, coefficients, intercepts }: Ridge, values: Numbers, count: number): Float64Array {
  const each = intercepts.length;
  const scores = new Float64Array(count * each);
  for (let row = 0; row < count; row++)
    for (let score = 0; score < each; score++) {
      const [own, from] = [score * width, row * width];
      let sum = intercepts[score]!;
      for (let column = 0; column < width; column++) sum += coefficients[own + column]! * values[from + column]!;
      scores[row * each + score] = sum;
    }
  return scores;
}
