import { BitPacker, mostPackedBits, packedAtOnce } from './bit-packer.ts';

const firstRoom = 1 << 16;
const wordBits = 32;
const wordBytes = 4;
/** Whole numbers are packed in groups of so many. */
const groupSize = 8;

/** The bytes of a page of Parquet under construction. Its room is used again by the next one. */
export class PageBytes {
  #bytes = new Uint8Array(firstRoom);
  #length = 0;
  #words = new Uint32Array(0);
  #packer: BitPacker | undefined;

  clear(): this {
    this.#length = 0;
    return this;
  }

  /** What was written; valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was written from there on, so many times in all. */
  repeat(from: number, times: number): void {
    const unit = this.#bytes.slice(from, this.#length);
    this.append(Buffer.alloc(unit.length * (times - 1), unit));
  }

  /** A whole number from zero up to 2^53, seven bits a byte. */
  varInt(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80);
    this.byte(rest);
  }

  /** A number with a sign of 64 bits: small ones take few bytes. */
  zigZag(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  uint32(value: number): void {
    for (let shift = 0; shift < wordBits; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  /** Numbers of so many bits each, without gaps; where the last byte is not full, zeros follow. */
  packed(values: Uint16Array | Uint32Array, from: number, to: number, width: number): void {
    const length = Math.ceil(((to - from) * width) / 8);
    const room = Math.ceil(length / wordBytes);
    if (room > this.#words.length) this.#words = new Uint32Array(2 * room);
    const words = this.#words;
    let [at, word, used] = [0, 0, 0];
    for (let index = from; index < to; index += 1) {
      const value = values[index]!;
      word |= value << used;
      used += width;
      if (used < wordBits) continue;
      words[at++] = word;
      used -= wordBits;
      // A shift by 32 would be one by nothing.
      word = used === 0 ? 0 : value >>> (width - used);
    }
    if (used > 0) words[at] = word;
    this.append(new Uint8Array(words.buffer, 0, length));
  }

  /** Numbers of so many bits, in runs where eight or more are equal: `RLE` of Parquet. */
  runs(values: Uint16Array, width: number): void {
    const count = values.length;
    let pending = 0;
    let at = 0;
    while (at < count) {
      const value = values[at]!;
      let end = at + 1;
      while (end < count && values[end] === value) end += 1;
      if (end - at < groupSize) {
        at += groupSize;
        continue;
      }
      this.#groups(values, pending, at, width);
      this.run(value, end - at, width);
      at = end;
      pending = end;
    }
    this.#groups(values, pending, count, width);
  }

  /** One number of so many bits, so many times. */
  run(value: number, count: number, width: number): void {
    this.varInt(count * 2);
    for (let shift = 0; shift < width; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  /** Whole groups, the last one filled up with zeros. */
  #groups(values: Uint16Array, from: number, to: number, width: number): void {
    if (from >= to) return;
    const groups = Math.ceil((to - from) / groupSize);
    this.varInt(groups * 2 + 1);
    const end = this.#length + groups * width;
    if (width > mostPackedBits) this.packed(values, from, to, width);
    else {
      this.#packer ??= new BitPacker();
      for (let at = from; at < to; at += packedAtOnce)
        this.append(this.#packer.pack(values.subarray(at, Math.min(to, at + packedAtOnce)), width));
    }
    this.#reserve(end - this.#length);
    this.#bytes.fill(0, this.#length, end);
    this.#length = end;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.#length + length, 2 * this.#bytes.length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}
