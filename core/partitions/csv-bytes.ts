const firstRoom = 1 << 16;
/** Before the bytes stands whether somebody has them. */
const stateBytes = 8;
const [free, taken] = [0, 1];
/** An export has no more objects under way. */
const mostKept = 3;

const stateOf = (memory: SharedArrayBuffer) => new Int32Array(memory, 0, 1);

/** Memory that this thread uses again. */
const kept: CsvBytes[] = [];

/**
 * The bytes of a table, in room that grows. Threads share it, and it is used again when it is given back: of memory that is new, each page
 * takes longer to get than to fill, and V8 goes through all of a heap for it.
 */
export class CsvBytes {
  length = 0;
  #memory = new SharedArrayBuffer(stateBytes + firstRoom);
  #bytes = new Uint8Array(this.#memory, stateBytes);

  /** Room that nobody has any more, or new one. */
  static take(): CsvBytes {
    let bytes = kept.find((one) => Atomics.load(stateOf(one.#memory), 0) === free);
    if (!bytes) {
      bytes = new CsvBytes();
      kept.push(bytes);
      // Of what nobody gives back, the oldest is left to the collector of garbage.
      if (kept.length > mostKept) kept.shift();
    }
    bytes.length = 0;
    Atomics.store(stateOf(bytes.#memory), 0, taken);
    return bytes;
  }

  get written(): Uint8Array<SharedArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Makes room once for so many more bytes. */
  reserve(length: number): void {
    const needed = this.length + length;
    if (needed <= this.#bytes.length) return;
    this.#memory = new SharedArrayBuffer(stateBytes + Math.max(needed, 2 * this.#bytes.length));
    Atomics.store(stateOf(this.#memory), 0, taken);
    const wider = new Uint8Array(this.#memory, stateBytes);
    wider.set(this.written);
    this.#bytes = wider;
  }

  add(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

/** Gives the memory of a table back to the thread that wrote it, where it is shared: nobody may read these bytes any more. */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer) Atomics.store(stateOf(buffer), 0, free);
}
