import { pageBytes } from '../../numeric/arena.ts';
import { biasesTogether, fewBiases, instantiateRocket, type RocketKernel, writtenTogether } from './rocket-kernel.ts';
import { type Dilation, kernels, type RocketPlan, reach, taps } from './rocket-plan.ts';

const floatBytes = 4;
/** Loops take four numbers at a time and so may read and write three beyond the end. */
const slack = 4;
/** In shorter windows it takes longer to call for triples than to add three samples. */
const sharedFrom = 500;
const aligned = (floats: number) => Math.ceil(floats / slack) * slack;

/** One window at a time, and its convolutions. Places are in floats, as the memory is seen. */
export class Convolver {
  readonly #plan: RocketPlan;
  readonly #padding: number;
  readonly #stride: number;
  readonly #floats: Float32Array;
  readonly #kernel: RocketKernel;
  /**
   * Where it stands: the sum of several channels; sums of nine samples; the same without the ends; sums of two and of three;
   * convolutions; biases; shares.
   */
  readonly #combined: number;
  readonly #sums: number;
  readonly #inner: number;
  readonly #pairs: number;
  readonly #triples: number;
  readonly #out: number;
  readonly #biases: number;
  readonly #shares: number;
  #gaps = false;
  /** How far the second and the third sample of the sums that stand there are from the first, in dilations; 0: none stand there. */
  #second = 0;
  #third = 0;
  #dilation = 1;
  #samples = 0;

  constructor(plan: RocketPlan) {
    const { channels, length, dilations } = plan;
    this.#plan = plan;
    this.#padding = aligned(reach * Math.max(...dilations.map(({ dilation }) => dilation)));
    this.#stride = aligned(2 * this.#padding + length) + slack;
    const row = aligned(length) + slack;
    this.#combined = channels * this.#stride;
    this.#sums = this.#combined + this.#stride;
    this.#inner = this.#sums + row;
    this.#pairs = this.#inner + row;
    this.#triples = this.#pairs + this.#stride + writtenTogether;
    this.#out = this.#triples + this.#stride + writtenTogether;
    this.#biases = this.#out + row;
    const features = aligned(plan.features) + biasesTogether;
    this.#shares = this.#biases + features;
    const memory = new WebAssembly.Memory({
      initial: Math.ceil(((this.#shares + features) * floatBytes) / pageBytes),
    });
    this.#floats = new Float32Array(memory.buffer);
    this.#kernel = instantiateRocket(memory);
  }

  /** By feature, in the order of the plan. */
  setBiases(biases: Float32Array): void {
    this.#floats.set(biases, this.#biases);
  }

  /** Takes a window over: channel after channel, from `from` on. A gap is NaN. */
  load(values: Float64Array, from: number): void {
    const { channels, length } = this.#plan;
    this.#gaps = false;
    for (let channel = 0; channel < channels; channel++) {
      const to = channel * this.#stride + this.#padding;
      const at = from + channel * length;
      for (let sample = 0; sample < length; sample++) {
        const value = values[at + sample]!;
        this.#floats[to + sample] = value;
        if (Number.isNaN(value)) this.#gaps = true;
      }
    }
  }

  /** Prepares a dilation. With several channels the sums are made for each kernel, in {@link select}. */
  dilate({ dilation }: Dilation): void {
    this.#dilation = dilation;
    if (this.#plan.channels === 1) this.#sumFrom(0);
  }

  #sumFrom(start: number): void {
    const { length } = this.#plan;
    const dilation = this.#dilation;
    this.#samples = (start + this.#padding - reach * dilation) * floatBytes;
    const sums = this.#sums * floatBytes;
    this.#second = 0;
    this.#kernel.negativeSums(this.#samples, dilation * floatBytes, sums, 0, length * floatBytes);
    const floats = this.#floats;
    // A NaN is greater than nothing, so what stands beyond the end is never counted.
    floats.fill(Number.NaN, this.#sums + length, this.#sums + length + slack);
    const [first, last] = [reach * dilation, length - reach * dilation];
    floats.copyWithin(this.#inner + first, this.#sums + first, this.#sums + last);
    floats.fill(Number.NaN, this.#inner + last, this.#inner + last + slack);
  }

  /** Lays the following kernel over these channels. */
  select(channels: readonly number[]): void {
    if (this.#plan.channels === 1) return;
    const [first = 0, ...others] = channels;
    const start = first * this.#stride;
    if (others.length === 0) {
      this.#sumFrom(start);
      return;
    }
    const stride = this.#stride;
    this.#floats.copyWithin(this.#combined, start, start + stride);
    const [into, end] = [this.#combined * floatBytes, (this.#combined + stride) * floatBytes];
    for (const other of others) this.#kernel.addSamples(into, other * stride * floatBytes, end);
    this.#sumFrom(this.#combined);
  }

  /** Where a kernel's output begins, as far from the beginning as it ends before the end: every other kernel stays inside the window. */
  #firstOf(padded: boolean): number {
    return padded ? 0 : reach * this.#dilation;
  }

  #sumsOf(padded: boolean): number {
    return (padded ? this.#sums : this.#inner) * floatBytes;
  }

  /** The convolution with one kernel. */
  convolve(kernel: number, padded: boolean): Float32Array {
    const first = this.#firstOf(padded);
    const last = this.#plan.length - first;
    const step = this.#dilation * floatBytes;
    const [a, b, c] = kernels[kernel]!;
    const out = this.#out * floatBytes;
    const [from, end] = [first * floatBytes, last * floatBytes];
    this.#kernel.convolve(this.#samples, this.#sumsOf(padded), a * step, b * step, c * step, out, from, end);
    return this.#floats.slice(this.#out + first, this.#out + last);
  }

  /** Whether kernels of one shape share sums of three samples: they should then follow each other. */
  sharesTriples({ biases }: Dilation): boolean {
    return this.#plan.channels === 1 && this.#plan.length >= sharedFrom && biases <= fewBiases;
  }

  /** Where the triples of a kernel begin, as far as those of all kernels of its shape reach. */
  #triplesOf(kernel: number): number {
    const [a, b, c] = kernels[kernel]!;
    const step = this.#dilation * floatBytes;
    const [second, third] = [b - a, c - a];
    const pairs = this.#pairs * floatBytes;
    const triples = this.#triples * floatBytes;
    // The last of nine samples is the farthest that any kernel takes as its third, and the third is beyond the second.
    const end = (this.#plan.length + (taps - 1) * this.#dilation) * floatBytes;
    if (this.#second !== second) {
      this.#kernel.pairs(this.#samples, this.#samples + second * step, pairs, 0, end - (second + 1) * step);
      this.#third = 0;
    }
    if (this.#third !== third)
      this.#kernel.triples(pairs, this.#samples + third * step, triples, 0, end - third * step);
    [this.#second, this.#third] = [second, third];
    return triples + a * step;
  }

  /**
   * Computes for each of a kernel's biases the share of the convolution that is greater, of what could be measured: half where nothing
   * was. Those of all kernels together are {@link shares}. The kernels have to come in the order of their features, or, where they share
   * triples, by shape.
   * @param feature - the first of its features
   */
  count(kernel: number, padded: boolean, dilation: Dilation, feature: number): void {
    // Called some hundred times a window: no object is made here.
    const first = this.#firstOf(padded);
    const last = this.#plan.length - first;
    const sums = this.#sumsOf(padded);
    const taps = kernels[kernel]!;
    const step = this.#dilation * floatBytes;
    const a = taps[0] * step;
    const b = taps[1] * step;
    const c = taps[2] * step;
    const from = first * floatBytes;
    const end = last * floatBytes;
    const { biases } = dilation;
    const isShared = this.sharesTriples(dilation);
    const samples = this.#samples;
    const whole = this.#gaps ? this.#kernel.measured(samples, sums, a, b, c, from, end) : last - first;
    const into = this.#shares + feature;
    const biasesAt = (this.#biases + feature) * floatBytes;
    const intoAt = into * floatBytes;
    if (isShared)
      this.#kernel.fewOfTriples[biases - 1]!(this.#triplesOf(kernel), sums, from, end, biasesAt, intoAt, whole);
    else if (biases <= fewBiases)
      this.#kernel.few[biases - 1]!(samples, sums, a, b, c, from, end, biasesAt, intoAt, whole);
    else {
      const out = this.#out * floatBytes;
      this.#kernel.convolve(samples, sums, a, b, c, out, from, end);
      this.#kernel.many(out + from, out + end, biasesAt, intoAt, intoAt + biases * floatBytes, whole);
    }
    if (whole === 0) this.#floats.fill(0.5, into, into + biases);
  }

  /** What {@link count} computed for some features. Valid until the next call of it. */
  shares(feature: number, count: number): Float32Array {
    return this.#floats.subarray(this.#shares + feature, this.#shares + feature + count);
  }
}
