/**
 * Gives each different text a number, from 0 on, in the order of first sight. Texts are looked up as bytes, so that a text which was
 * seen before costs no string.
 */
export class Dictionary {
  readonly texts: string[] = [];
  /** How often each was seen. */
  readonly counts: number[] = [];
  readonly #most: number;
  /** Open addressing: number of the text + 1; 0 is free. */
  #slots = new Int32Array(64);
  #hashes = new Int32Array(32);
  /** The bytes of all texts, one after the other; text n ends at `#ends[n]`. */
  #bytes = Buffer.allocUnsafe(1 << 10);
  #ends = new Int32Array(33);

  /** @param most - texts that are kept; further ones are not numbered */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.texts.length;
  }

  /** The number of the text between two places; -1 where the dictionary is full and does not have it. */
  add(bytes: Buffer, from: number, to: number): number {
    let hash = 0x811c9dc5;
    for (let p = from; p < to; p++) hash = Math.imul(hash ^ bytes[p]!, 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot]! - 1;
      if (found < 0) return this.#insert(bytes, from, to, hash);
      if (this.#hashes[found] === hash && this.#equals(found, bytes, from, to)) {
        this.counts[found]! += 1;
        return found;
      }
    }
  }

  #equals(text: number, bytes: Buffer, from: number, to: number): boolean {
    const start = this.#ends[text]!;
    const length = this.#ends[text + 1]! - start;
    if (length !== to - from) return false;
    for (let p = 0; p < length; p++) if (this.#bytes[start + p] !== bytes[from + p]) return false;
    return true;
  }

  #insert(bytes: Buffer, from: number, to: number, hash: number): number {
    const number = this.texts.length;
    if (number >= this.#most) return -1;
    if ((number + 1) * 2 > this.#slots.length) this.#grow();
    const start = this.#ends[number]!;
    const end = start + to - from;
    if (end > this.#bytes.length) {
      const longer = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(bytes.subarray(from, to), start);
    this.#hashes[number] = hash;
    this.#ends[number + 1] = end;
    this.#place(number, hash);
    this.texts.push(bytes.toString('utf8', from, to));
    this.counts.push(1);
    return number;
  }

  #place(number: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #grow(): void {
    const slots = this.#slots.length * 2;
    const wider = (from: Int32Array, length: number) => {
      const to = new Int32Array(length);
      to.set(from);
      return to;
    };
    this.#hashes = wider(this.#hashes, slots / 2 + 1);
    this.#ends = wider(this.#ends, slots / 2 + 2);
    this.#slots = new Int32Array(slots);
    for (let number = 0; number < this.texts.length; number++) this.#place(number, this.#hashes[number]!);
  }
}
