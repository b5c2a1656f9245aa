import { expect, test } from 'vitest';
import { openFft } from './complex.ts';
import vectors from './fixtures/fft.json' with { type: 'json' };
import { RealFft } from './real.ts';

/** By the definition: slow and obvious. */
function defined(values: Float64Array, harmonic: number): [re: number, im: number] {
  let re = 0;
  let im = 0;
  values.forEach((value, at) => {
    const angle = (-2 * Math.PI * ((at * harmonic) % values.length)) / values.length;
    re += value * Math.cos(angle);
    im += value * Math.sin(angle);
  });
  return [re, im];
}

test.each(vectors.cases)('numpy.fft.rfft of $values.length numbers', ({ values, re, im }) => {
  const fft = new RealFft(values.length);
  const given = Float64Array.from(values);
  fft.transform(given);
  expect([...given]).toEqual(values);
  re.forEach((value, harmonic) => {
    expect(Math.abs(fft.result.re[harmonic]! - value)).toBeLessThan(1e-9);
    expect(Math.abs(fft.result.im[harmonic]! - im[harmonic]!)).toBeLessThan(1e-9);
  });
});

test('every length up to 130 gives what the definition says', () => {
  for (let length = 1; length <= 130; length++) {
    const values = Float64Array.from({ length }, (_, at) => Math.sin(at * at) + (at % 3));
    const fft = new RealFft(length);
    for (const _ of ['fresh', 'used']) {
      fft.transform(values);
      for (let harmonic = 0; harmonic <= length >> 1; harmonic++) {
        const [re, im] = defined(values, harmonic);
        expect(Math.abs(fft.result.re[harmonic]! - re), `${length}`).toBeLessThan(1e-9);
        expect(Math.abs(fft.result.im[harmonic]! - im), `${length}`).toBeLessThan(1e-9);
      }
    }
  }
});

test('complex numbers: the transform of one harmonic is one peak', () => {
  for (const length of [30, 77, 101]) {
    const angle = (at: number) => (2 * Math.PI * 3 * at) / length;
    const re = Float64Array.from({ length }, (_, at) => Math.cos(angle(at)));
    const im = Float64Array.from({ length }, (_, at) => Math.sin(angle(at)));
    const fft = openFft(length);
    fft.input.re.set(re);
    fft.input.im.set(im);
    fft.run();
    fft.output.re.forEach((value, harmonic) => {
      expect(Math.abs(value - (harmonic === 3 ? length : 0))).toBeLessThan(1e-9);
    });
    for (const value of fft.output.im) expect(Math.abs(value)).toBeLessThan(1e-9);
  }
});
