import { SharedRoom } from './shared-room.ts';

/** The bytes of a table, in room that grows. */
export class CsvBytes {
  length = 0;
  readonly #room = SharedRoom.take();

  get written(): Uint8Array<SharedArrayBuffer> {
    return this.#room.bytes.subarray(0, this.length);
  }

  /** Makes room once for so many more bytes. */
  reserve(length: number): void {
    const needed = this.length + length;
    const { bytes } = this.#room;
    if (needed > bytes.length) this.#room.widen(Math.max(needed, 2 * bytes.length), this.length);
  }

  add(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#room.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}
