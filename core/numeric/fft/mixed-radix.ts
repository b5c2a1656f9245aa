import { pageBytes } from '../arena.ts';
import { add, type Code, f64x2, get, i32, repeat, set, wasmModule } from '../wasm.ts';
import { butterfly, Variables } from './butterfly.ts';
import type { Fft, Parts } from './fft.ts';

const numberBytes = 8;
const vectorWidth = 2;
/** The first pass may write a second number behind the end of an array, at most by the largest radix. */
const slack = 32;

/** One stage: `stride` interleaved transforms of `radix * count` points become `stride * radix` ones of `count`. Offsets in bytes. */
interface Pass {
  readonly radix: number;
  readonly count: number;
  readonly stride: number;
  readonly from: BufferAddresses;
  readonly to: BufferAddresses;
  readonly twiddles: number;
}

interface BufferAddresses {
  readonly re: number;
  readonly im: number;
}

/**
 * A transform by small factors in WebAssembly, two numbers at a time; its code is made for its length, so that all distances are
 * constants. Stockham's ordering: no reversal of bits. Source: Van Loan, Computational Frameworks for the Fast Fourier Transform,
 * section 1.7. Neither order nor rounding depends on the machine.
 */
export class MixedRadix implements Fft {
  readonly length: number;
  readonly input: Parts;
  readonly output: Parts;
  readonly #run: () => void;

  constructor(length: number, radices: readonly number[]) {
    this.length = length;
    const arrayBytes = (length + slack) * numberBytes;
    const place = (buffer: number): BufferAddresses => ({
      re: buffer * 2 * arrayBytes,
      im: (buffer * 2 + 1) * arrayBytes,
    });
    let stride = 1;
    let end = 4 * arrayBytes;
    const passes = radices.map((radix, at): Pass => {
      const count = length / stride / radix;
      const pass = { radix, count, stride, from: place(at % 2), to: place((at + 1) % 2), twiddles: end };
      end += (count + 1) * (radix - 1) * 2 * numberBytes;
      stride *= radix;
      return pass;
    });
    const pages = Math.ceil(end / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const all = new Float64Array(memory.buffer);
    for (const pass of passes) writeTwiddles(pass, all);
    const parts = ({ re, im }: BufferAddresses): Parts => ({
      re: new Float64Array(memory.buffer, re, length),
      im: new Float64Array(memory.buffer, im, length),
    });
    this.input = parts(place(0));
    this.output = parts(place(radices.length % 2));
    this.#run = instantiate(passes, memory);
  }

  run(): void {
    this.#run();
  }
}

function instantiate(passes: readonly Pass[], memory: WebAssembly.Memory): () => void {
  const variables = new Variables();
  const body = passes.flatMap((pass) => (pass.stride === 1 ? firstPass(pass, variables) : laterPass(pass, variables)));
  const module = wasmModule([variables.frame.function('run', body)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports.run as () => void;
}

/** By point, and in it by harmonic from 1 on: cosine and sine; in the first pass those of two points at a time, side by side. */
function writeTwiddles({ radix, count, stride, twiddles }: Pass, all: Float64Array): void {
  const points = radix * count;
  const together = stride === 1 ? vectorWidth : 1;
  for (let p = 0; p < count; p++)
    for (let k = 1; k < radix; k++) {
      const angle = (-2 * Math.PI * ((p * k) % points)) / points;
      const half = p % together;
      const at = twiddles / numberBytes + 2 * ((p - half) * (radix - 1) + together * (k - 1)) + half;
      all[at] = Math.cos(angle);
      all[at + together] = Math.sin(angle);
    }
}

/** Two neighbouring points at a time: each has twiddles of its own. */
function firstPass(pass: Pass, variables: Variables): Code[] {
  const { radix, count, from, to, twiddles } = pass;
  const [a, out, w] = [variables.of('a', 'i32'), variables.of('out', 'i32'), variables.of('w', 'i32')];
  const twiddle = (at: number): Code => f64x2.load(get(w), twiddles + at * vectorWidth * numberBytes);
  const store = (k: number, value: Code, base: number): Code[] => {
    const both = variables.of('both', 'v128');
    const half = (at: number) => f64x2.storeHalf(get(out), get(both), at, base + (at * radix + k) * numberBytes);
    return [set(both, value), half(0), half(1)];
  };
  const body = [
    ...loads(pass, from, variables),
    ...harmonicsOf(pass, variables, twiddle, (k, re, im) => [...store(k, re, to.re), ...store(k, im, to.im)]),
    add(a, i32.constant(vectorWidth * numberBytes)),
    add(out, i32.constant(vectorWidth * radix * numberBytes)),
    add(w, i32.constant(vectorWidth * (radix - 1) * 2 * numberBytes)),
  ];
  const start = [a, out, w].map((local) => set(local, i32.constant(0)));
  return [...start, repeat(body, i32.less(get(a), i32.constant(count * numberBytes)))];
}

/** Two neighbouring transforms at a time: both have the same twiddles. Of an odd number the last is done a second time. */
function laterPass(pass: Pass, variables: Variables): Code[] {
  const { radix, count, stride, from, to, twiddles } = pass;
  const name = (local: string) => variables.of(local, 'i32');
  const [a, out, w, end] = [name('a'), name('out'), name('w'), name('end')];
  const factor = (at: number) => variables.of(`w${at}`, 'v128');
  const store = (k: number, value: Code, base: number) => f64x2.store(get(out), value, base + k * stride * numberBytes);
  const step = [
    ...loads(pass, from, variables),
    ...harmonicsOf(
      pass,
      variables,
      (at) => get(factor(at)),
      (k, re, im) => [store(k, re, to.re), store(k, im, to.im)],
    ),
    add(a, i32.constant(vectorWidth * numberBytes)),
    add(out, i32.constant(vectorWidth * numberBytes)),
  ];
  const odd = stride % vectorWidth;
  const body: Code[] = [
    set(end, i32.add(get(a), i32.constant((stride - odd) * numberBytes))),
    ...(count === 1
      ? []
      : Array.from({ length: 2 * (radix - 1) }, (_, at) =>
          set(factor(at), f64x2.loadSplat(get(w), twiddles + at * numberBytes)),
        )),
    repeat(step, i32.less(get(a), get(end))),
    ...(odd ? [add(a, i32.constant(-numberBytes)), add(out, i32.constant(-numberBytes)), ...step] : []),
    add(out, i32.constant((radix - 1) * stride * numberBytes)),
    add(w, i32.constant((radix - 1) * 2 * numberBytes)),
  ];
  const start = [a, out, w].map((local) => set(local, i32.constant(0)));
  return [...start, repeat(body, i32.less(get(a), i32.constant(count * stride * numberBytes)))];
}

function loads({ radix, count, stride }: Pass, from: BufferAddresses, variables: Variables): Code[] {
  const a = variables.of('a', 'i32');
  return Array.from({ length: radix }, (_, at) => {
    const { re, im } = variables.complex(`x${at}`);
    const offset = at * count * stride * numberBytes;
    return [set(re, f64x2.load(get(a), from.re + offset)), set(im, f64x2.load(get(a), from.im + offset))];
  }).flat();
}

/** The butterfly, each harmonic but the first turned by its twiddle. @param twiddle cosines at even, sines at odd places */
function harmonicsOf(
  { radix, count }: Pass,
  variables: Variables,
  twiddle: (at: number) => Code,
  store: (k: number, re: Code, im: Code) => Code[],
): Code[] {
  const { statements, harmonics } = butterfly(radix, variables);
  const { re, im } = variables.complex('harmonic');
  const { multiply } = f64x2;
  return [
    ...statements,
    ...harmonics.flatMap((harmonic, k) => {
      // The twiddles of a last pass are all 1.
      if (k === 0 || count === 1) return store(k, harmonic.re, harmonic.im);
      const [cos, sin] = [twiddle(2 * (k - 1)), twiddle(2 * (k - 1) + 1)];
      return [
        set(re, harmonic.re),
        set(im, harmonic.im),
        ...store(
          k,
          f64x2.subtract(multiply(get(re), cos), multiply(get(im), sin)),
          f64x2.add(multiply(get(re), sin), multiply(get(im), cos)),
        ),
      ];
    }),
  ];
}
