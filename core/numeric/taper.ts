export const tapers = ['hann', 'hamming', 'blackman', 'rectangular'] as const;
export type Taper = (typeof tapers)[number];

/** Coefficients of a sum of cosines. Source: Harris (1978), On the use of windows for harmonic analysis with the DFT. */
const coefficients: Readonly<Record<Taper, readonly number[]>> = {
  rectangular: [1],
  hann: [0.5, 0.5],
  hamming: [0.54, 0.46],
  blackman: [0.42, 0.5, 0.08],
};

/** A window function of so many points, periodic, as `scipy.signal.get_window` gives. */
export function taperOf(kind: Taper, length: number): Float64Array {
  const terms = coefficients[kind];
  return Float64Array.from({ length }, (_, at) =>
    terms.reduce(
      (sum, weight, term) => sum + (term % 2 === 0 ? weight : -weight) * Math.cos((2 * Math.PI * term * at) / length),
      0,
    ),
  );
}
