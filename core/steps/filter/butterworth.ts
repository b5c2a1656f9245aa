/** A complex number. */
interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Second-order sections, one after the other: b0, b1, b2, a1, a2 of each, with a0 = 1. */
export type Sections = readonly (readonly [b0: number, b1: number, b2: number, a1: number, a2: number])[];

export type Band = 'lowpass' | 'highpass' | 'bandpass' | 'notch';

export interface ButterworthOptions {
  readonly band: Band;
  /** 1 to 8. A band-pass or a notch has two poles for each. */
  readonly order: number;
  /** Corner frequency in hertz, or the lower and the upper one; each above 0 and below half the rate. */
  readonly corners: readonly [number] | readonly [number, number];
  /** Samples a second. */
  readonly rate: number;
}

/**
 * Designs a digital Butterworth filter: poles of the analogue prototype on the unit circle's left half, moved to the pre-warped corners,
 * then the bilinear transform. Source: Oppenheim and Schafer, Discrete-Time Signal Processing, sections 7.2 and 7.3 and appendix B.1;
 * the transforms of the low-pass prototype: Parks and Burrus, Digital Filter Design, section 7.2.
 */
export function designButterworth({ band, order, corners, rate }: ButterworthOptions): Sections {
  // With the bilinear transform at 2 samples a unit of time, s = 4 (z - 1) / (z + 1).
  const warped = corners.map((corner) => 4 * Math.tan((Math.PI * corner) / rate));
  const prototype = prototypePoles(order);
  const low = warped[0]!;
  const high = warped.at(-1)!;
  const center = Math.sqrt(low * high);
  switch (band) {
    case 'lowpass':
      return assemble(prototype.map((pole) => scale(pole, low)).map(bilinear), double(-1), 1);
    case 'highpass':
      return assemble(prototype.map((pole) => divide({ re: low, im: 0 }, pole)).map(bilinear), double(1), -1);
    case 'bandpass': {
      const poles = prototype.flatMap((pole) => roots(scale(pole, (high - low) / 2), center));
      return assemble(poles.map(bilinear), { sum: 0, product: -1 }, unit(center));
    }
    case 'notch': {
      const poles = prototype.flatMap((pole) => roots(divide({ re: (high - low) / 2, im: 0 }, pole), center));
      // Zeros at the centre, on the unit circle.
      return assemble(poles.map(bilinear), { sum: 2 * unit(center).re, product: 1 }, 1);
    }
  }
}

/** The states of the sections after a constant input of one without end: two numbers a section. */
export function steadyState(sections: Sections): Float64Array {
  const state = new Float64Array(sections.length * 2);
  let input = 1;
  sections.forEach(([b0, b1, b2, a1, a2], section) => {
    const output = (input * (b0 + b1 + b2)) / (1 + a1 + a2);
    state[section * 2] = output - b0 * input;
    state[section * 2 + 1] = b2 * input - a2 * output;
    input = output;
  });
  return state;
}

/** Poles of the analogue low-pass of corner 1: one of each conjugate pair, and the real one. */
function prototypePoles(order: number): Complex[] {
  const poles: Complex[] = [];
  for (let k = 0; k < order / 2; k++) {
    const angle = (Math.PI * (2 * k + 1)) / (2 * order);
    const isReal = 2 * k + 1 === order;
    poles.push(isReal ? { re: -1, im: 0 } : { re: -Math.sin(angle), im: Math.cos(angle) });
  }
  return poles;
}

/** Both solutions of s² - 2 half s + center² = 0; of a real `half` with complex solutions, one stands for both. */
function roots(half: Complex, center: number): Complex[] {
  const square = multiply(half, half);
  const root = squareRoot({ re: square.re - center * center, im: square.im });
  const first = { re: half.re + root.re, im: half.im + root.im };
  if (half.im === 0 && root.im !== 0) return [first];
  return [first, { re: half.re - root.re, im: half.im - root.im }];
}

/** z = (4 + s) / (4 - s) */
function bilinear(s: Complex): Complex {
  return divide({ re: 4 + s.re, im: s.im }, { re: 4 - s.re, im: -s.im });
}

/** The point of the unit circle that an analogue frequency becomes. */
function unit(frequency: number): Complex {
  return bilinear({ re: 0, im: frequency });
}

interface ZeroPair {
  readonly sum: number;
  readonly product: number;
}

const double = (zero: number): ZeroPair => ({ sum: 2 * zero, product: zero * zero });

/**
 * Sections from poles: of conjugate pairs one is given. Every section has the same two zeros; a single real pole has one of them.
 * The gain of each section is one where the whole is to have a gain of one, so no section overflows.
 */
function assemble(poles: readonly Complex[], zeros: ZeroPair, unitGainAt: Complex | number): Sections {
  const at = typeof unitGainAt === 'number' ? { re: unitGainAt, im: 0 } : unitGainAt;
  const reals = poles.filter(({ im }) => im === 0).map(({ re }) => re);
  const sections = poles
    .filter(({ im }) => im !== 0)
    .map(({ re, im }) => sectionOf(zeros, -2 * re, re * re + im * im, at));
  for (let pair = 0; pair + 1 < reals.length; pair += 2)
    sections.push(sectionOf(zeros, -(reals[pair]! + reals[pair + 1]!), reals[pair]! * reals[pair + 1]!, at));
  if (reals.length % 2 === 1) sections.push(singleOf(zeros.sum / 2, reals.at(-1)!, at.re));
  return sections;
}

function sectionOf({ sum, product }: ZeroPair, a1: number, a2: number, at: Complex): Sections[number] {
  const square = multiply(at, at);
  const size = (c1: number, c2: number) => Math.hypot(square.re + c1 * at.re + c2, square.im + c1 * at.im);
  const gain = size(a1, a2) / size(-sum, product);
  return [gain, -sum * gain, product * gain, a1, a2];
}

function singleOf(zero: number, pole: number, at: number): Sections[number] {
  const gain = (at - pole) / (at - zero);
  return [gain, -zero * gain, 0, -pole, 0];
}

const scale = ({ re, im }: Complex, by: number): Complex => ({ re: re * by, im: im * by });
const multiply = (a: Complex, b: Complex): Complex => ({
  re: a.re * b.re - a.im * b.im,
  im: a.re * b.im + a.im * b.re,
});

function divide(a: Complex, b: Complex): Complex {
  const size = b.re * b.re + b.im * b.im;
  return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

function squareRoot({ re, im }: Complex): Complex {
  const size = Math.hypot(re, im);
  const root = Math.sqrt((size + Math.abs(re)) / 2);
  if (root === 0) return { re: 0, im: 0 };
  const other = Math.abs(im) / (2 * root);
  const signed = im < 0 ? -1 : 1;
  return re >= 0 ? { re: root, im: signed * other } : { re: other, im: signed * root };
}
