import type { Fft, Parts } from './fft.ts';
import { MixedRadix } from './mixed-radix.ts';

/** Prime factors above this make a transform by convolution cheaper than one by the definition. */
const largestRadix = 13;

/** A transform of any length from 1 on: mixed radix where the prime factors are small, else Bluestein's. */
export function openFft(length: number): Fft {
  const radices = factorise(length);
  return radices.every((radix) => radix <= largestRadix) ? new MixedRadix(length, radices) : new Bluestein(length);
}

/** A transform as a convolution with a chirp. Source: Bluestein (1970), A linear filtering approach to the computation of the DFT. */
class Bluestein implements Fft {
  readonly length: number;
  readonly input: Parts;
  readonly output: Parts;
  readonly #inner: Fft;
  /** exp(-i pi k² / n) */
  readonly #chirp: Parts;
  /** The transform of its conjugate, mirrored. */
  readonly #response: Parts;

  constructor(length: number) {
    this.length = length;
    let padded = 1;
    while (padded < 2 * length - 1) padded *= 2;
    this.input = partsOf(length);
    this.output = this.input;
    this.#inner = openFft(padded);
    this.#chirp = partsOf(length);
    const { re, im } = this.#inner.input;
    re.fill(0);
    im.fill(0);
    for (let k = 0, square = 0; k < length; square = (square + 2 * k + 1) % (2 * length), k++) {
      const angle = (Math.PI * square) / length;
      this.#chirp.re[k] = Math.cos(angle);
      this.#chirp.im[k] = -Math.sin(angle);
      for (const at of k === 0 ? [0] : [k, padded - k]) {
        re[at] = Math.cos(angle);
        im[at] = Math.sin(angle);
      }
    }
    this.#inner.run();
    this.#response = { re: this.#inner.output.re.slice(), im: this.#inner.output.im.slice() };
  }

  run(): void {
    const { re, im } = this.input;
    const { input: work, output } = this.#inner;
    work.re.fill(0);
    work.im.fill(0);
    for (let k = 0; k < this.length; k++) multiplyInto(work, k, re[k]!, im[k]!, this.#chirp);
    this.#inner.run();
    // The inverse transform is the transform of the conjugate, conjugated.
    for (let k = 0; k < work.re.length; k++) {
      multiplyInto(work, k, output.re[k]!, output.im[k]!, this.#response);
      work.im[k] = -work.im[k]!;
    }
    this.#inner.run();
    const scale = 1 / work.re.length;
    for (let k = 0; k < this.length; k++)
      multiplyInto(this.output, k, output.re[k]! * scale, -output.im[k]! * scale, this.#chirp);
  }
}

export function partsOf(length: number): Parts {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

function multiplyInto(to: Parts, at: number, re: number, im: number, by: Parts): void {
  to.re[at] = re * by.re[at]! - im * by.im[at]!;
  to.im[at] = re * by.im[at]! + im * by.re[at]!;
}

/** Radices of a length, 4 before 2. */
function factorise(length: number): number[] {
  const radices: number[] = [];
  let left = length;
  for (const radix of [4, 2, 3, 5]) for (; left % radix === 0; left /= radix) radices.push(radix);
  for (let radix = 7; left > 1; radix += 2) {
    if (radix * radix > left) radix = left;
    for (; left % radix === 0; left /= radix) radices.push(radix);
  }
  return radices;
}
