/** Memory for bodies while they are read. */
export interface MemoryBudget {
  /** Bytes that bodies hold now. */
  readonly used: number;
  /** Bodies that are being read now. */
  readonly bodies: number;
  /**
   * Reserves bytes for a body that is about to be read, at most as many as it declares.
   * @returns undefined where no further body may begin
   */
  reserve(declaredBytes: number): Reservation | undefined;
}

/** The memory of one body. */
export interface Reservation {
  /** Reserves more where the body has so many bytes by now; false where they are not there. */
  grow(bodyBytes: number): boolean;
  /** Gives all of it back. */
  release(): void;
}

/** Of a body's declared size, so much is reserved at the start; the rest when it arrives. */
const firstBytes = 64_000;

/**
 * A budget of so many bytes. Where the bodies that have begun would not fit with a further one, that one begins only while half of the
 * budget is free, so that most bodies that have begun can end. If all of it were open to new bodies, a flood would fill it with halves of
 * bodies, and none would ever be complete.
 * @param allows whether a further body may begin while those that have begun hold so many bytes
 */
export function createMemoryBudget(maxBytes: number, allows: (usedBytes: number) => boolean): MemoryBudget {
  let used = 0;
  let bodies = 0;
  let declared = 0;
  return {
    get used() {
      return used;
    },
    get bodies() {
      return bodies;
    },
    reserve(declaredBytes) {
      const fits = declared + declaredBytes <= maxBytes && used <= maxBytes - firstBytes;
      if ((used > maxBytes / 2 && !fits) || !allows(used)) return undefined;
      let reserved = Math.min(declaredBytes, firstBytes);
      used += reserved;
      bodies += 1;
      declared += declaredBytes;
      return {
        grow(bodyBytes) {
          const more = bodyBytes - reserved;
          if (more <= 0) return true;
          if (used + more > maxBytes) return false;
          used += more;
          reserved = bodyBytes;
          return true;
        },
        release() {
          used -= reserved;
          bodies -= 1;
          declared -= declaredBytes;
        },
      };
    },
  };
}
