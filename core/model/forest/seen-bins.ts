/** Which bins of a histogram hold anything, one bit each, so that no others are looked at. At most 256 bins. */
export type SeenBins = Int32Array;

export const seenWords = 8;

/** The first seen bin from `from` on, -1 if there is none. */
export function firstSeen(seen: SeenBins, from = 0): number {
  for (let word = from >> 5; word < seenWords; word++) {
    const bits = word === from >> 5 ? seen[word]! & (-1 << from) : seen[word]!;
    if (bits !== 0) return (word << 5) | (31 - Math.clz32(bits & -bits));
  }
  return -1;
}

/** The last seen bin, -1 if there is none. */
export function lastSeen(seen: SeenBins): number {
  for (let word = seenWords - 1; word >= 0; word--) {
    if (seen[word] !== 0) return (word << 5) | (31 - Math.clz32(seen[word]!));
  }
  return -1;
}
