/** Memory for bodies while they are read. */
export interface MemoryBudget {
  /** Bytes that bodies hold now. */
  readonly used: number;
  /**
   * Reserves bytes for a body that is about to be read, at most as many as it declares.
   * @returns how many; undefined where no further body may begin
   */
  reserve(declaredBytes: number): number | undefined;
  /** Reserves more bytes for a body that has begun; false where they are not there. */
  grow(bytes: number): boolean;
  release(bytes: number): void;
}

/** Of a body's declared size, so much is reserved at the start; the rest when it arrives. */
const firstBytes = 64_000;

/**
 * A budget of so many bytes. No body begins once half of it is used, so that most bodies that have begun can end. If all of it were open
 * to new bodies, a flood would fill it with halves of bodies, and none would ever be complete.
 * @param allows whether a further body may begin while those that have begun hold so many bytes
 */
export function createMemoryBudget(maxBytes: number, allows: (usedBytes: number) => boolean): MemoryBudget {
  let used = 0;
  return {
    get used() {
      return used;
    },
    reserve(declaredBytes) {
      if (used > maxBytes / 2 || !allows(used)) return undefined;
      const bytes = Math.min(declaredBytes, firstBytes);
      used += bytes;
      return bytes;
    },
    grow(bytes) {
      if (used + bytes > maxBytes) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}
