/** Memory of WebAssembly comes in pages of so many bytes. */
export const pageBytes = 65_536;
/** What a 32-bit address reaches, in bytes. */
export const mostMemory = 2 ** 32;

interface ArrayOf<T> {
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

const rounded = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** Bytes that arrays of these lengths take in an arena. */
export function bytesOf(
  ...arrays: readonly (readonly [type: { readonly BYTES_PER_ELEMENT: number }, length: number])[]
): number {
  return arrays.reduce((sum, [type, length]) => sum + rounded(type.BYTES_PER_ELEMENT * length), 0);
}

/** WebAssembly memory that several threads share; at most `mostMemory`. An array's `byteOffset` is its address for a kernel. */
export function sharedMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** Hands out arrays in a memory one after the other. Each thread has a part of the memory to itself. */
export class Arena {
  readonly #buffer: SharedArrayBuffer;
  #next: number;

  constructor(memory: WebAssembly.Memory, from: number) {
    // A browser's library of types knows only memory that is not shared.
    this.#buffer = memory.buffer as unknown as SharedArrayBuffer;
    this.#next = from;
  }

  take<T>(type: ArrayOf<T>, length: number): T {
    const array = new type(this.#buffer, this.#next, length);
    this.#next += rounded(type.BYTES_PER_ELEMENT * length);
    return array;
  }
}
