const firstBytes = 1 << 16;
/** Before the bytes stands whether somebody has them. */
const stateBytes = 8;
const [free, taken] = [0, 1];
/** An export has no more objects under way. */
const mostKept = 3;

const stateOf = (memory: SharedArrayBuffer) => new Int32Array(memory, 0, 1);

/** What this thread uses again. */
const kept: SharedRoom[] = [];

/**
 * Room for the bytes of an object. Threads share it, and it is used again when it is given back: of memory that is new, each page takes
 * longer to get than to fill, and V8 goes through all of a heap for it.
 */
export class SharedRoom {
  #memory = new SharedArrayBuffer(stateBytes + firstBytes);
  #bytes = new Uint8Array(this.#memory, stateBytes);

  /** Room that nobody has any more, or new one. */
  static take(): SharedRoom {
    let room = kept.find((one) => Atomics.load(stateOf(one.#memory), 0) === free);
    if (!room) {
      room = new SharedRoom();
      kept.push(room);
      // Of what nobody gives back, the oldest is left to the collector of garbage.
      if (kept.length > mostKept) kept.shift();
    }
    Atomics.store(stateOf(room.#memory), 0, taken);
    return room;
  }

  /** All of it, whatever stands in it. */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#bytes;
  }

  /** Makes it as long at the least; as many bytes from its beginning stay what they are. */
  widen(length: number, written: number): void {
    if (length <= this.#bytes.length) return;
    const before = this.#bytes.subarray(0, written);
    this.#memory = new SharedArrayBuffer(stateBytes + length);
    Atomics.store(stateOf(this.#memory), 0, taken);
    this.#bytes = new Uint8Array(this.#memory, stateBytes);
    this.#bytes.set(before);
  }
}

/** Gives room back to the thread that took it, where these bytes stand in such: nobody may read them any more. */
export function giveBack({ buffer }: Uint8Array): void {
  if (buffer instanceof SharedArrayBuffer) Atomics.store(stateOf(buffer), 0, free);
}
