/**
 * xoshiro128++ of Blackman and Vigna, seeded by SplitMix32: small, fast, the same on every machine.
 * https://prng.di.unimi.it/xoshiro128plusplus.c
 */
export class Xoshiro128PlusPlus {
  readonly #state = new Int32Array(4);

  /** Streams of one seed are independent of each other, so that each task can have one of its own. */
  constructor(seed: number, stream = 0) {
    let next = Math.imul(seed, 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca6b);
    for (let at = 0; at < 4; at++) {
      next = (next + 0x9e3779b9) | 0;
      let word = Math.imul(next ^ (next >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[at] = word ^ (word >>> 15);
    }
  }

  /** A whole number from 0 to 2^32 - 1. */
  word(): number {
    const state = this.#state;
    const a = state[0]!;
    const b = state[1]!;
    const d = state[3]!;
    const sum = (a + d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
    const c = state[2]! ^ a;
    const e = d ^ b;
    state[1] = b ^ c;
    state[0] = a ^ e;
    state[2] = c ^ (b << 9);
    state[3] = (e << 11) | (e >>> 21);
    return result >>> 0;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** From 0, included, to 1, not included. */
  fraction(): number {
    return this.word() * 2 ** -32;
  }
}

/** Draws the numbers below `count` without replacement; when all were drawn, again in another order. */
export function drawInTurn(count: number, random: Xoshiro128PlusPlus): () => number {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  let drawn = count;
  return () => {
    if (drawn === count) drawn = 0;
    const at = drawn + random.below(count - drawn);
    const chosen = order[at]!;
    order[at] = order[drawn]!;
    order[drawn] = chosen;
    drawn += 1;
    return chosen;
  };
}
