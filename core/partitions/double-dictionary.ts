const firstSlots = 1 << 14;
/** Few that share a place make it fast. */
const roomPerNumber = 4;
/** Numbers are found by their bits: every NaN apart from all others, and -0 from 0. */
const wordsPerDouble = 2;
/** Places have 16 bits. */
const mostPlaces = 1 << 15;
/** After so many numbers it is known whether they come again. */
const probed = 4_096;
const mostDistinctProbed = 0.85 * probed;

/** Numbers by the order of first sight. Samples have few distinct ones: as many as the converter has steps. */
export class DoubleDictionary {
  size = 0;
  readonly #most: number;
  readonly #doubles: Float64Array<ArrayBuffer>;
  readonly #words: Uint32Array;
  /** Where a number is, plus one, at the place that its bits give or at the next free one. */
  #slots = new Uint16Array(firstSlots);

  /** @param most - numbers that it takes up: with many, it gains little */
  constructor(most = mostPlaces) {
    this.#most = most;
    this.#doubles = new Float64Array(most);
    this.#words = new Uint32Array(this.#doubles.buffer);
  }

  /** The numbers; valid until the next change. */
  get doubles(): Float64Array<ArrayBuffer> {
    return this.#doubles.subarray(0, this.size);
  }

  clear(): void {
    this.size = 0;
    this.#slots.fill(0);
  }

  /**
   * Writes where each number is, and takes up those that are new.
   * @returns false where too many differ: what it holds is of no use then
   */
  indexesOf(values: Float64Array, into: Uint16Array): boolean {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length * wordsPerDouble);
    const before = this.size;
    const first = Math.min(values.length, probed);
    if (!this.#indexFrom(bits, into, 0, first)) return false;
    if (this.size - before > mostDistinctProbed) return false;
    return this.#indexFrom(bits, into, first, values.length);
  }

  #indexFrom(bits: Uint32Array, into: Uint16Array, from: number, end: number): boolean {
    for (let at = from; ; ) {
      at = this.#indexUntilFull(bits, into, at, end);
      if (at === end) return true;
      if (this.size === this.#most) return false;
      this.#grow();
    }
  }

  /** Up to the first number that there is no room for. @returns the place of that */
  #indexUntilFull(bits: Uint32Array, into: Uint16Array, from: number, end: number): number {
    const [slots, words] = [this.#slots, this.#words];
    const mask = slots.length - 1;
    const mostSize = Math.min(this.#most, slots.length / roomPerNumber);
    let size = this.size;
    let at = from;
    outer: for (; at < end; at += 1) {
      const low = bits[2 * at]!;
      const high = bits[2 * at + 1]!;
      for (let slot = hashOf(low, high) & mask; ; slot = (slot + 1) & mask) {
        const found = slots[slot]! - 1;
        if (found < 0) {
          if (size >= mostSize) break outer;
          words[2 * size] = low;
          words[2 * size + 1] = high;
          into[at] = size;
          size += 1;
          slots[slot] = size;
          break;
        }
        if (words[2 * found] === low && words[2 * found + 1] === high) {
          into[at] = found;
          break;
        }
      }
    }
    this.size = size;
    return at;
  }

  /** Twice as many slots, so that most of them stay free. */
  #grow(): void {
    const slots = new Uint16Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let index = 0; index < this.size; index += 1) {
      let slot = hashOf(this.#words[2 * index]!, this.#words[2 * index + 1]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

function hashOf(low: number, high: number): number {
  const hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
