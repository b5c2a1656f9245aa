import { openFft, partsOf } from './complex.ts';
import type { Fft, Parts } from './fft.ts';

/** The transform of real numbers of a fixed length: harmonics 0 to floor(length / 2), as `numpy.fft.rfft` gives. Not to be used by two at once. */
export class RealFft {
  readonly length: number;
  /** Where the result stands until the next transform: `floor(length / 2) + 1` numbers count. */
  readonly result: Parts;
  readonly #fft: Fft;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  /** @param length from 1 on */
  constructor(length: number) {
    this.length = length;
    const isEven = length % 2 === 0;
    const points = isEven ? length / 2 : length;
    this.#fft = openFft(points);
    this.result = isEven ? partsOf(points + 1) : this.#fft.output;
    this.#cos = Float64Array.from({ length: points + 1 }, (_, k) => Math.cos((-2 * Math.PI * k) / length));
    this.#sin = Float64Array.from({ length: points + 1 }, (_, k) => Math.sin((-2 * Math.PI * k) / length));
  }

  /** Transforms `length` numbers; they stay as they are. */
  transform(values: Float64Array): void {
    const { re, im } = this.#fft.input;
    if (this.length % 2 === 1) {
      re.set(values.length === this.length ? values : values.subarray(0, this.length));
      im.fill(0);
      this.#fft.run();
      return;
    }
    const points = re.length;
    for (let k = 0; k < points; k++) {
      re[k] = values[2 * k]!;
      im[k] = values[2 * k + 1]!;
    }
    this.#fft.run();
    this.#unpack();
  }

  /** The even samples went in as real parts and the odd ones as imaginary parts; their transforms come out mixed. */
  #unpack(): void {
    const { re, im } = this.#fft.output;
    const to = this.result;
    const cos = this.#cos;
    const sin = this.#sin;
    const points = re.length;
    to.re[0] = re[0]! + im[0]!;
    to.im[0] = 0;
    to.re[points] = re[0]! - im[0]!;
    to.im[points] = 0;
    // Harmonics k and points - k come from the same two numbers.
    for (let k = 1, other = points - 1; k <= other; k++, other--) {
      const evenRe = (re[k]! + re[other]!) / 2;
      const evenIm = (im[k]! - im[other]!) / 2;
      const oddRe = (im[k]! + im[other]!) / 2;
      const oddIm = (re[other]! - re[k]!) / 2;
      const turnedRe = oddRe * cos[k]! - oddIm * sin[k]!;
      const turnedIm = oddRe * sin[k]! + oddIm * cos[k]!;
      to.re[other] = evenRe - turnedRe;
      to.im[other] = turnedIm - evenIm;
      to.re[k] = evenRe + turnedRe;
      to.im[k] = evenIm + turnedIm;
    }
  }
}
