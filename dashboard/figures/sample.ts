/**
 * Which readings are parsed when there are too many: those whose hash of device and time ends in zeros. A reading and its
 * prediction are therefore in the sample together, and a smaller sample lies within a larger one. The rest is counted, not parsed.
 */

const marker = Buffer.from('"time":"');

/** Finds the time in records of one topic without parsing them. Remembers where it was last, as that mostly holds. */
export class IdentityHash {
  /** Bytes before the marker, less the length of the device's name. */
  #before = 0;

  /** A hash of device and time, 32 bits; of the device alone where the record does not hold a time. */
  of(device: string | null, value: Uint8Array): number {
    let hash = 0x811c9dc5;
    const name = device ?? '';
    for (let index = 0; index < name.length; index += 1) {
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    }
    for (let at = this.#timeAt(name.length, value); at < value.length && value[at] !== 0x22; at += 1) {
      hash = Math.imul(hash ^ value[at]!, 0x01000193);
    }
    return mixed(hash);
  }

  #timeAt(nameLength: number, value: Uint8Array): number {
    const guess = this.#before + nameLength;
    if (holdsMarker(value, guess)) return guess + marker.length;
    const found = Buffer.from(value.buffer, value.byteOffset, value.byteLength).indexOf(marker);
    if (found < 0) return value.length;
    this.#before = found - nameLength;
    return found + marker.length;
  }
}

function holdsMarker(value: Uint8Array, at: number): boolean {
  for (let index = 0; index < marker.length; index += 1) {
    if (value[at + index] !== marker[index]) return false;
  }
  return true;
}

/** The finaliser of MurmurHash3: every input bit reaches the low bits, which the sample goes by. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * One in how many records is kept so that about `perSecond` of a second are: always a power of two. It goes by the second before, and
 * by the second itself where a flood begins in it; seconds may be read in any order.
 */
export function thinning(perSecond: number, beforeCount: number, count: number): number {
  const needed = Math.max(beforeCount, count) / perSecond;
  return needed <= 1 ? 1 : 2 ** Math.ceil(Math.log2(needed));
}

export function inSample(hash: number, oneIn: number): boolean {
  return (hash & (oneIn - 1)) === 0;
}

/** Readings and predictions whose values are remembered so that they can be shown, a second. */
const shownPerSecond = 40;

/** The sample of one topic: whether a record is parsed, and whether it is one of those to be shown. */
export class TopicSample {
  /** Whether the record that was asked for last is to be shown. */
  isShown = false;
  readonly #parsedPerSecond: number;
  readonly #identity = new IdentityHash();

  constructor(parsedPerSecond: number) {
    this.#parsedPerSecond = parsedPerSecond;
  }

  /** Whether a record is parsed, given how many were taken of its second of arrival so far and of the one before. */
  holds({ key, value }: { key: string | null; value: Uint8Array }, beforeCount: number, count: number): boolean {
    const parsedOneIn = thinning(this.#parsedPerSecond, beforeCount, count);
    const shownOneIn = Math.max(parsedOneIn, thinning(shownPerSecond, beforeCount, count));
    const hash = shownOneIn === 1 ? 0 : this.#identity.of(key, value);
    this.isShown = inSample(hash, shownOneIn);
    return inSample(hash, parsedOneIn);
  }
}
