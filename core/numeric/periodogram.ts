import { RealFft } from './fft/real.ts';

/**
 * The one-sided power spectral density of a stretch of samples: the mean taken off what was measured, tapered, transformed; what is
 * missing stays zero, and the scale is that of the tapers of what was measured. Without gaps it is what `scipy.signal.periodogram` gives
 * with `scaling='density'`. Source: Welch (1967), for one segment. Not to be used by two at once.
 */
export class Periodogram {
  /** For {@link ofInput}: the samples in their places, NaN where none is. No run leaves anything of it. */
  readonly input: Float64Array;
  /** By harmonic, in squared units for each hertz: `floor(points / 2) + 1` numbers. */
  readonly power: Float64Array;
  /** Hertz from one harmonic to the next. */
  readonly spacing: number;
  /** What was taken off before. */
  mean = 0;
  readonly #rate: number;
  readonly #taper: Float64Array;
  readonly #fft: RealFft;
  /** The sum of all squared tapers. */
  readonly #wholeWeight: number;

  /**
   * @param rate - samples a second
   * @param taper - the window function; its length is the number of samples
   */
  constructor(rate: number, taper: Float64Array) {
    const points = taper.length;
    this.#rate = rate;
    this.#taper = taper;
    this.spacing = rate / points;
    this.input = new Float64Array(points);
    this.power = new Float64Array((points >> 1) + 1);
    this.#fft = new RealFft(points);
    this.#wholeWeight = taper.reduce((sum, share) => sum + share * share, 0);
  }

  /**
   * The fast path: as many samples as there should be, from an index on.
   * @returns false, with nothing computed, where one of them is missing
   */
  ofWhole(values: Float64Array, from: number): boolean {
    const { input } = this;
    const taper = this.#taper;
    const points = input.length;
    let sum = 0;
    for (let at = 0; at < points; at++) sum += values[from + at]!;
    if (Number.isNaN(sum)) return false;
    const mean = sum / points;
    this.mean = mean;
    for (let at = 0; at < points; at++) input[at] = (values[from + at]! - mean) * taper[at]!;
    this.#transform(this.#wholeWeight);
    return true;
  }

  /** Of {@link input}. @param measured - how many values of it are no NaN; at least one */
  ofInput(measured: number): void {
    const { input } = this;
    const taper = this.#taper;
    const points = input.length;
    let sum = 0;
    for (let at = 0; at < points; at++) if (!Number.isNaN(input[at]!)) sum += input[at]!;
    const mean = sum / measured;
    this.mean = mean;
    let weight = 0;
    for (let at = 0; at < points; at++) {
      const isMeasured = !Number.isNaN(input[at]!);
      input[at] = isMeasured ? (input[at]! - mean) * taper[at]! : 0;
      if (isMeasured) weight += taper[at]! * taper[at]!;
    }
    this.#transform(weight);
  }

  #transform(weight: number): void {
    const { input, power } = this;
    this.#fft.transform(input);
    const { re, im } = this.#fft.result;
    const scale = 2 / (this.#rate * weight);
    const last = power.length - 1;
    for (let bin = 0; bin <= last; bin++) power[bin] = scale * (re[bin]! * re[bin]! + im[bin]! * im[bin]!);
    power[0]! /= 2;
    if (input.length % 2 === 0) power[last]! /= 2;
  }
}
