import { anyRadix, type Parts, type Pass, passes } from './passes.ts';

/** The discrete Fourier transform of complex numbers, forwards and without scaling, of a fixed length. Not to be used by two at once. */
export interface Fft {
  readonly length: number;
  /** Transforms in place. */
  transform(data: Parts): void;
}

/** Prime factors above this make a transform by convolution cheaper than one by the definition. */
const largestRadix = 13;

/** A transform of any length from 1 on: mixed radix where the prime factors are small, else Bluestein's. */
export function openFft(length: number): Fft {
  const radices = factorise(length);
  return radices.every((radix) => radix <= largestRadix) ? new MixedRadix(length, radices) : new Bluestein(length);
}

export function partsOf(length: number): Parts {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

/** Stockham's ordering: no reversal of bits. Source: Van Loan, Computational Frameworks for the Fast Fourier Transform, section 1.7. */
class MixedRadix implements Fft {
  readonly length: number;
  readonly #passes: readonly Pass[];
  readonly #scratch: Parts;

  constructor(length: number, radices: readonly number[]) {
    this.length = length;
    this.#scratch = partsOf(length);
    let stride = 1;
    this.#passes = radices.map((radix) => {
      const pass = planPass(radix, length / stride, stride);
      stride *= radix;
      return pass;
    });
  }

  transform(data: Parts): void {
    let from = data;
    let to = this.#scratch;
    for (const pass of this.#passes) {
      (passes[pass.radix] ?? anyRadix)(pass, from, to);
      [from, to] = [to, from];
    }
    if (from === data) return;
    data.re.set(from.re);
    data.im.set(from.im);
  }
}

function planPass(radix: number, points: number, stride: number): Pass {
  const count = points / radix;
  const cos = new Float64Array(count * (radix - 1));
  const sin = new Float64Array(count * (radix - 1));
  for (let p = 0; p < count; p++)
    for (let k = 1; k < radix; k++) {
      const angle = (-2 * Math.PI * ((p * k) % points)) / points;
      cos[p * (radix - 1) + k - 1] = Math.cos(angle);
      sin[p * (radix - 1) + k - 1] = Math.sin(angle);
    }
  return { radix, count, stride, cos, sin };
}

/** A transform as a convolution with a chirp. Source: Bluestein (1970), A linear filtering approach to the computation of the DFT. */
class Bluestein implements Fft {
  readonly length: number;
  readonly #inner: Fft;
  readonly #work: Parts;
  /** exp(-i pi k² / n) */
  readonly #chirp: Parts;
  /** The transform of its conjugate, mirrored. */
  readonly #response: Parts;

  constructor(length: number) {
    this.length = length;
    let padded = 1;
    while (padded < 2 * length - 1) padded *= 2;
    this.#inner = openFft(padded);
    this.#work = partsOf(padded);
    this.#chirp = partsOf(length);
    this.#response = partsOf(padded);
    for (let k = 0, square = 0; k < length; square = (square + 2 * k + 1) % (2 * length), k++) {
      const angle = (Math.PI * square) / length;
      this.#chirp.re[k] = Math.cos(angle);
      this.#chirp.im[k] = -Math.sin(angle);
      for (const at of k === 0 ? [0] : [k, padded - k]) {
        this.#response.re[at] = Math.cos(angle);
        this.#response.im[at] = Math.sin(angle);
      }
    }
    this.#inner.transform(this.#response);
  }

  transform({ re, im }: Parts): void {
    const work = this.#work;
    work.re.fill(0);
    work.im.fill(0);
    for (let k = 0; k < this.length; k++) multiplyInto(work, k, re[k]!, im[k]!, this.#chirp);
    this.#inner.transform(work);
    // The inverse transform is the transform of the conjugate, conjugated.
    for (let k = 0; k < work.re.length; k++) {
      multiplyInto(work, k, work.re[k]!, work.im[k]!, this.#response);
      work.im[k] = -work.im[k]!;
    }
    this.#inner.transform(work);
    const scale = 1 / work.re.length;
    for (let k = 0; k < this.length; k++)
      multiplyInto({ re, im }, k, work.re[k]! * scale, -work.im[k]! * scale, this.#chirp);
  }
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
