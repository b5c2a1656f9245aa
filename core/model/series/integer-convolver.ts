import { pageBytes } from '../../numeric/arena.ts';
import { elementAt } from '../../numeric/element.ts';
import {
  type IntegerKernel,
  instantiateIntegers,
  integerBytes,
  integersTogether,
  mostCounted,
  stepBytes,
} from './integer-kernel.ts';
import { floatBytes, type IntegerLayout, layOut, stepsOf } from './integer-steps.ts';
import { kernels, type RocketPlan } from './rocket-plan.ts';

/** The largest sample: three weights of 2 and six of -1 then make no number beyond 16 bits. */
const largest = Math.floor(0x7fff / 12);
/** Whole numbers that the biases of each kernel have to be apart, in the mean from their mean, or rounding would decide too much. */
const leastSpread = 32;
/** In shorter windows a kernel has many biases, and numbers of 32 bits do not take longer. */
const shortest = 100;

/** Whether windows of this shape can be convolved in whole numbers. */
export const fitsIntegers = ({ channels, length }: Pick<RocketPlan, 'channels' | 'length'>): boolean =>
  channels === 1 && length >= shortest && length <= mostCounted;

interface IntegerDilation {
  /** How far the biases are apart of that kernel whose are closest. */
  readonly spread: number;
  /** Where its steps stand, in bytes. */
  readonly steps: number;
  readonly stepsEnd: number;
  readonly shares: Float32Array;
}

/**
 * One window of one channel at a time, and its convolutions in whole numbers of 16 bits: half the work of numbers of 32. The window is
 * scaled to what they hold, so a step is 1/2730 of its largest sample. Dilations whose biases are not much farther apart than that, and
 * windows with gaps, are for {@link Convolver}.
 */
export class IntegerConvolver {
  readonly #length: number;
  readonly #features: number;
  readonly #at: IntegerLayout;
  readonly #floats: Float32Array;
  readonly #kernel: IntegerKernel;
  readonly #dilations: readonly IntegerDilation[];
  /** Whole numbers to one of the window's own unit; 0: it cannot be scaled. */
  #factor = 0;

  constructor(plan: RocketPlan, biases: Float32Array) {
    const at = layOut(plan);
    this.#at = at;
    [this.#length, this.#features] = [plan.length, plan.features];
    let [feature, end] = [0, at.end];
    const dilations = plan.dilations.map(({ biases: each }, index) => {
      const [first, place] = [feature, end];
      const steps = stepsOf(plan, index, first, at);
      feature += each * kernels.length;
      end += steps.length * stepBytes;
      return { first, last: feature, each, steps, place, end };
    });
    const memory = new WebAssembly.Memory({ initial: Math.ceil(end / pageBytes) });
    this.#floats = new Float32Array(memory.buffer);
    this.#floats.set(biases, at.biases / floatBytes);
    new Int16Array(memory.buffer, at.mask, integersTogether).fill(-1);
    for (const { steps, place } of dilations)
      for (const [index, step] of steps.entries()) new Int32Array(memory.buffer, place + index * stepBytes).set(step);
    this.#kernel = instantiateIntegers(memory, at.mask);
    this.#dilations = dilations.map(({ first, last, each, place, end: stepsEnd }) => ({
      spread: leastSpreadOf(biases.subarray(first, last), each),
      ...{ steps: place, stepsEnd },
      shares: this.#floats.subarray(at.shares / floatBytes + first, at.shares / floatBytes + last),
    }));
  }

  /** Takes a window over, from `from` on. A gap is NaN. */
  load(values: Float64Array, from: number): void {
    const { window, scale, samples, biases, rounded } = this.#at;
    const to = window / floatBytes;
    let most = 0;
    for (let sample = 0; sample < this.#length; sample++) {
      const value = values[from + sample]!;
      this.#floats[to + sample] = value;
      most = Math.max(most, Math.abs(value));
    }
    const factor = Math.fround(largest / most);
    this.#factor = Number.isFinite(factor) ? factor : 0;
    if (this.#factor === 0) return;
    this.#floats[scale / floatBytes] = factor;
    this.#kernel.nearest(window, scale, samples, samples + this.#length * integerBytes);
    this.#kernel.below(biases, scale, rounded, rounded + this.#features * integerBytes);
  }

  /** Whether a dilation of the window may be convolved in whole numbers. */
  takes(dilation: number): boolean {
    return elementAt(this.#dilations, dilation).spread * this.#factor >= leastSpread;
  }

  /** The features of a dilation, by kernel and bias. Valid until the next call. */
  shares(dilation: number): Float32Array {
    const { steps, stepsEnd, shares } = elementAt(this.#dilations, dilation);
    this.#kernel.run(steps, stepsEnd);
    return shares;
  }
}

/** Of the kernels of a dilation, the least mean distance of biases from their mean. */
function leastSpreadOf(biases: Float32Array, each: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let from = 0; from < biases.length; from += each) {
    const own = biases.subarray(from, from + each);
    const mean = own.reduce((sum, bias) => sum + bias, 0) / each;
    least = Math.min(least, own.reduce((sum, bias) => sum + Math.abs(bias - mean), 0) / each);
  }
  return least;
}
