/** An array of so many times the length stays for who needs it. */
const tooLong = 4;

type Numbers = Float64Array | Int32Array | Uint8Array;

export interface SpareArraysOptions {
  /** Arrays that are kept at most. */
  readonly arrays: number;
  /** What these take at most. */
  readonly bytes: number;
}

/**
 * Arrays of numbers that are used again. As large as megabytes and taken anew for each batch, or kept by each of many partitions, they
 * make the collector of garbage run over everything there is.
 */
export class SpareArrays<T extends Numbers> {
  readonly #type: new (
    length: number,
  ) => T;
  readonly #options: SpareArraysOptions;
  #kept: T[] = [];
  #bytes = 0;

  constructor(type: new (length: number) => T, options: SpareArraysOptions) {
    this.#type = type;
    this.#options = options;
  }

  /** An array at least as long; what stands in it is of no meaning. */
  take(length: number): T {
    const at = this.#smallest(length);
    const found = this.#kept[at];
    // A little more, so that the next batch fits that is hardly larger.
    if (!found) return new this.#type(length + (length >> 3));
    this.#kept.splice(at, 1);
    this.#bytes -= found.byteLength;
    return found;
  }

  /** The place of the smallest that is long enough, and not by far too long; -1 where there is none. */
  #smallest(length: number): number {
    let best = -1;
    let least = length * tooLong;
    for (const [at, kept] of this.#kept.entries()) {
      if (kept.length < length || kept.length >= least) continue;
      best = at;
      least = kept.length;
    }
    return best;
  }

  /** What {@link take} gave, and nobody looks at any more. */
  give(taken: T): void {
    const { arrays, bytes } = this.#options;
    if (taken.length === 0 || this.#kept.length >= arrays || this.#bytes + taken.byteLength > bytes) return;
    this.#kept.push(taken);
    this.#bytes += taken.byteLength;
  }
}
