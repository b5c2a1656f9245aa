/** Writes the state of a session as bytes, little-endian, exact. What is written has no names: it is read in the same order. */
export class StateWriter {
  #bytes = new Uint8Array(1_024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.number(bytes.length);
    this.raw(bytes);
  }

  /** Numbers `from` up to `to`, without their count: the reader has to know it. */
  numbers(values: Float64Array, from = 0, to = values.length): void {
    this.raw(new Uint8Array(values.buffer, values.byteOffset + from * 8, (to - from) * 8));
  }

  integers(values: Int32Array, from = 0, to = values.length): void {
    this.raw(new Uint8Array(values.buffer, values.byteOffset + from * 4, (to - from) * 4));
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what {@link StateWriter} wrote. Throws a `RangeError` where the bytes end too soon. */
export class StateReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(): number {
    const bytes = this.raw(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  /** A count: a whole number that is not larger than `most`. */
  count(most: number): number {
    const value = this.number();
    if (!Number.isInteger(value) || value < 0 || value > most) throw new RangeError('the state is damaged');
    return value;
  }

  text(): string {
    return new TextDecoder().decode(this.raw(this.count(this.left)));
  }

  numbers(count: number): Float64Array {
    // A copy by the constructor: `slice` of a Node Buffer is a view.
    return new Float64Array(new Uint8Array(this.raw(count * 8)).buffer);
  }

  integers(count: number): Int32Array {
    return new Int32Array(new Uint8Array(this.raw(count * 4)).buffer);
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('the state is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Throws where something is left. */
  end(): void {
    if (this.left > 0) throw new RangeError('the state is longer than this step writes: other parameters?');
  }
}
