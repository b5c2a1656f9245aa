/** Arrays that are kept at most: more are in use at a time only where answers are waited for. */
const mostKept = 4;

/**
 * Arrays of numbers that are used again. As large as megabytes and taken anew for each batch, they make the collector of garbage run
 * over everything there is.
 */
export class SpareArrays {
  readonly #kept: Float64Array[] = [];

  /** An array of this length; what stands in it is of no meaning. */
  take(length: number): Float64Array {
    const kept = this.#kept.pop();
    // A little more, so that the next batch fits that is hardly larger.
    const array = kept && kept.length >= length ? kept : new Float64Array(length + (length >> 3));
    return array.subarray(0, length);
  }

  /** What {@link take} gave, and nobody looks at any more. */
  give(taken: Float64Array): void {
    if (this.#kept.length < mostKept) this.#kept.push(new Float64Array(taken.buffer as ArrayBuffer));
  }
}
