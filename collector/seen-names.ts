/** Names that are kept at once, and the longest one. */
const slots = 1_024;
const longest = 256;

interface Seen {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Strings of names that came before: devices send few names again and again, and to make a string of bytes costs more than to compare
 * them. Each name has one slot, which the next name with the same slot takes.
 */
export class SeenNames {
  readonly #slots: (Seen | undefined)[] = Array.from({ length: slots });

  /**
   * The bytes from `start` to `end` as text, each byte a character.
   * @param hash of the bytes, by {@link hashed}
   */
  text(bytes: Buffer, start: number, end: number, hash: number): string {
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const seen = this.#slots[slot];
    if (seen !== undefined && isSame(seen.bytes, bytes, start, end)) return seen.text;
    const text = bytes.toString('latin1', start, end);
    if (end - start <= longest) this.#slots[slot] = { bytes: Uint8Array.from(bytes.subarray(start, end)), text };
    return text;
  }
}

function isSame(seen: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  const { length } = seen;
  if (length !== end - start) return false;
  for (let offset = length - 1; offset >= 0; offset -= 1) if (seen[offset] !== bytes[start + offset]) return false;
  return true;
}

export const firstHash = 0x811c9dc5;

/** The hash with one more byte: FNV-1a. */
export const hashed = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);
