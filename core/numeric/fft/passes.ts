/** One stage of a transform: `stride` interleaved transforms of `radix * count` points become `stride * radix` ones of `count`. */
export interface Pass {
  readonly radix: number;
  readonly count: number;
  readonly stride: number;
  /** By point and then harmonic 1 to radix - 1: powers of the root of unity. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

/** Complex numbers: real and imaginary parts apart. */
export interface Parts {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export type RunPass = (pass: Pass, from: Parts, to: Parts) => void;

/** By radix, the butterflies that are written out. */
export const passes: Readonly<Record<number, RunPass>> = { 2: radix2, 3: radix3, 4: radix4, 5: radix5 };

function radix2({ count, stride, cos, sin }: Pass, { re: xr, im: xi }: Parts, { re: yr, im: yi }: Parts): void {
  const half = stride * count;
  for (let p = 0; p < count; p++) {
    const wr = cos[p]!;
    const wi = sin[p]!;
    let out = p * 2 * stride;
    for (let a = p * stride, end = a + stride; a < end; a++, out++) {
      const ar = xr[a]!;
      const ai = xi[a]!;
      const br = xr[a + half]!;
      const bi = xi[a + half]!;
      yr[out] = ar + br;
      yi[out] = ai + bi;
      const dr = ar - br;
      const di = ai - bi;
      yr[out + stride] = dr * wr - di * wi;
      yi[out + stride] = dr * wi + di * wr;
    }
  }
}

const sin60 = Math.sqrt(3) / 2;

function radix3({ count, stride, cos, sin }: Pass, { re: xr, im: xi }: Parts, { re: yr, im: yi }: Parts): void {
  const third = stride * count;
  for (let p = 0; p < count; p++) {
    const at = p * 2;
    const w1r = cos[at]!;
    const w1i = sin[at]!;
    const w2r = cos[at + 1]!;
    const w2i = sin[at + 1]!;
    let out = p * 3 * stride;
    for (let a = p * stride, end = a + stride; a < end; a++, out++) {
      const b = a + third;
      const c = a + 2 * third;
      const sr = xr[b]! + xr[c]!;
      const si = xi[b]! + xi[c]!;
      const mr = xr[a]! - sr / 2;
      const mi = xi[a]! - si / 2;
      const nr = sin60 * (xi[b]! - xi[c]!);
      const ni = sin60 * (xr[c]! - xr[b]!);
      yr[out] = xr[a]! + sr;
      yi[out] = xi[a]! + si;
      const ur = mr + nr;
      const ui = mi + ni;
      const vr = mr - nr;
      const vi = mi - ni;
      yr[out + stride] = ur * w1r - ui * w1i;
      yi[out + stride] = ur * w1i + ui * w1r;
      yr[out + 2 * stride] = vr * w2r - vi * w2i;
      yi[out + 2 * stride] = vr * w2i + vi * w2r;
    }
  }
}

function radix4({ count, stride, cos, sin }: Pass, { re: xr, im: xi }: Parts, { re: yr, im: yi }: Parts): void {
  const quarter = stride * count;
  for (let p = 0; p < count; p++) {
    const at = p * 3;
    const w1r = cos[at]!;
    const w1i = sin[at]!;
    const w2r = cos[at + 1]!;
    const w2i = sin[at + 1]!;
    const w3r = cos[at + 2]!;
    const w3i = sin[at + 2]!;
    let out = p * 4 * stride;
    for (let a = p * stride, end = a + stride; a < end; a++, out++) {
      const b = a + quarter;
      const c = a + 2 * quarter;
      const d = a + 3 * quarter;
      const s0r = xr[a]! + xr[c]!;
      const s0i = xi[a]! + xi[c]!;
      const d0r = xr[a]! - xr[c]!;
      const d0i = xi[a]! - xi[c]!;
      const s1r = xr[b]! + xr[d]!;
      const s1i = xi[b]! + xi[d]!;
      const d1r = xr[b]! - xr[d]!;
      const d1i = xi[b]! - xi[d]!;
      yr[out] = s0r + s1r;
      yi[out] = s0i + s1i;
      const ur = d0r + d1i;
      const ui = d0i - d1r;
      const vr = s0r - s1r;
      const vi = s0i - s1i;
      yr[out + stride] = ur * w1r - ui * w1i;
      yi[out + stride] = ur * w1i + ui * w1r;
      yr[out + 2 * stride] = vr * w2r - vi * w2i;
      yi[out + 2 * stride] = vr * w2i + vi * w2r;
      const tr = d0r - d1i;
      const ti = d0i + d1r;
      yr[out + 3 * stride] = tr * w3r - ti * w3i;
      yi[out + 3 * stride] = tr * w3i + ti * w3r;
    }
  }
}

const [cos72, sin72] = [Math.cos((2 * Math.PI) / 5), Math.sin((2 * Math.PI) / 5)];
const [cos144, sin144] = [Math.cos((4 * Math.PI) / 5), Math.sin((4 * Math.PI) / 5)];

function radix5({ count, stride, cos, sin }: Pass, { re: xr, im: xi }: Parts, { re: yr, im: yi }: Parts): void {
  const fifth = stride * count;
  for (let p = 0; p < count; p++) {
    const at = p * 4;
    const w1r = cos[at]!;
    const w1i = sin[at]!;
    const w2r = cos[at + 1]!;
    const w2i = sin[at + 1]!;
    const w3r = cos[at + 2]!;
    const w3i = sin[at + 2]!;
    const w4r = cos[at + 3]!;
    const w4i = sin[at + 3]!;
    let out = p * 5 * stride;
    for (let a = p * stride, end = a + stride; a < end; a++, out++) {
      const b = a + fifth;
      const c = a + 2 * fifth;
      const d = a + 3 * fifth;
      const e = a + 4 * fifth;
      const s1r = xr[b]! + xr[e]!;
      const s1i = xi[b]! + xi[e]!;
      const d1r = xr[b]! - xr[e]!;
      const d1i = xi[b]! - xi[e]!;
      const s2r = xr[c]! + xr[d]!;
      const s2i = xi[c]! + xi[d]!;
      const d2r = xr[c]! - xr[d]!;
      const d2i = xi[c]! - xi[d]!;
      yr[out] = xr[a]! + s1r + s2r;
      yi[out] = xi[a]! + s1i + s2i;
      const m1r = xr[a]! + cos72 * s1r + cos144 * s2r;
      const m1i = xi[a]! + cos72 * s1i + cos144 * s2i;
      const m2r = xr[a]! + cos144 * s1r + cos72 * s2r;
      const m2i = xi[a]! + cos144 * s1i + cos72 * s2i;
      const n1r = sin72 * d1i + sin144 * d2i;
      const n1i = -sin72 * d1r - sin144 * d2r;
      const n2r = sin144 * d1i - sin72 * d2i;
      const n2i = -sin144 * d1r + sin72 * d2r;
      const ur = m1r + n1r;
      const ui = m1i + n1i;
      const vr = m2r + n2r;
      const vi = m2i + n2i;
      yr[out + stride] = ur * w1r - ui * w1i;
      yi[out + stride] = ur * w1i + ui * w1r;
      yr[out + 2 * stride] = vr * w2r - vi * w2i;
      yi[out + 2 * stride] = vr * w2i + vi * w2r;
      const tr = m2r - n2r;
      const ti = m2i - n2i;
      const zr = m1r - n1r;
      const zi = m1i - n1i;
      yr[out + 3 * stride] = tr * w3r - ti * w3i;
      yi[out + 3 * stride] = tr * w3i + ti * w3r;
      yr[out + 4 * stride] = zr * w4r - zi * w4i;
      yi[out + 4 * stride] = zr * w4i + zi * w4r;
    }
  }
}

/** Any radix, by the definition: for the primes that are small. */
export function anyRadix(pass: Pass, { re: xr, im: xi }: Parts, { re: yr, im: yi }: Parts): void {
  const { radix, count, stride, cos, sin } = pass;
  const roots = Array.from({ length: radix }, (_, k) => (-2 * Math.PI * k) / radix);
  const rootCos = roots.map(Math.cos);
  const rootSin = roots.map(Math.sin);
  const part = stride * count;
  for (let p = 0; p < count; p++)
    for (let q = 0; q < stride; q++)
      for (let k = 0; k < radix; k++) {
        let sr = 0;
        let si = 0;
        for (let j = 0; j < radix; j++) {
          const at = p * stride + q + j * part;
          const root = (j * k) % radix;
          sr += xr[at]! * rootCos[root]! - xi[at]! * rootSin[root]!;
          si += xr[at]! * rootSin[root]! + xi[at]! * rootCos[root]!;
        }
        const w = p * (radix - 1) + k - 1;
        const [wr, wi] = k === 0 ? [1, 0] : [cos[w]!, sin[w]!];
        const out = q + stride * (radix * p + k);
        yr[out] = sr * wr - si * wi;
        yi[out] = sr * wi + si * wr;
      }
}
