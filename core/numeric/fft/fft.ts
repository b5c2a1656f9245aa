/** Complex numbers: real and imaginary parts apart. */
export interface Parts {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The discrete Fourier transform of complex numbers, forwards and without scaling, of a fixed length. Not to be used by two at once. */
export interface Fft {
  readonly length: number;
  /** To be filled before each run, which leaves nothing of it. */
  readonly input: Parts;
  /** Where the result stands until the next run; maybe the same memory as `input`. */
  readonly output: Parts;
  run(): void;
}
