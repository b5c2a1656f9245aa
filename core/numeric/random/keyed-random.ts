const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** Murmur3's finaliser: every bit of the input moves every bit of the output. Source: A. Appleby, MurmurHash3. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * The next 32 bits of a state of four words, which must not all be zero.
 * Source: D. Blackman and S. Vigna, xoshiro128** 1.1, public domain.
 */
export function xoshiro128StarStar(state: Int32Array): number {
  const [s0, s1, s2, s3] = [state[0]!, state[1]!, state[2]!, state[3]!];
  const c = s2 ^ s0;
  const d = s3 ^ s1;
  state[0] = s0 ^ d;
  state[1] = s1 ^ c;
  state[2] = c ^ (s1 << 9);
  state[3] = rotate(d, 11);
  return Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
}

/**
 * Seeded random numbers, the same on every machine. A reading's numbers come from its key (seed, stream, index) alone, so that
 * any reading can be made again without those before it, whatever else runs at the same time.
 */
export class KeyedRandom {
  readonly #state = new Int32Array(4);

  /** @param stream - separates sequences of one seed, such as devices; @param index - below 2^53 */
  at(seed: number, stream: number, index: number): this {
    const state = this.#state;
    const high = Math.floor(index / 0x1_0000_0000);
    for (let word = 0; word < 4; word++) {
      const started = mix(seed ^ Math.imul(word + 1, 0x9e3779b9));
      state[word] = mix(mix(mix(started ^ stream) ^ index) ^ high);
    }
    if (state.every((word) => word === 0)) state[0] = 1;
    return this;
  }

  /** The next number in [0, 1). */
  next(): number {
    return xoshiro128StarStar(this.#state) / 0x1_0000_0000;
  }
}

/** The numbers from 0 to `count` in a random order (Fisher and Yates). */
export function permutation(count: number, random: KeyedRandom): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = Math.floor(random.next() * (last + 1));
    const kept = order[last]!;
    order[last] = order[chosen]!;
    order[chosen] = kept;
  }
  return order;
}
