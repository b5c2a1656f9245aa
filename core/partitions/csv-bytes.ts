const firstRoom = 1 << 16;

/** The bytes of a table, in room that grows. */
export class CsvBytes {
  length = 0;
  #bytes = new Uint8Array(firstRoom);

  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Makes room once for so many more bytes. */
  reserve(length: number): void {
    const needed = this.length + length;
    if (needed <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    wider.set(this.written);
    this.#bytes = wider;
  }

  add(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}
