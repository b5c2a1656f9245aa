/**
 * Which readings are parsed when there are too many: those whose identity (device and time) hashes below a limit. A reading and its
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

/** How many records of one topic must share a place in the sample, by how many arrive: always a power of two. */
export class Thinning {
  readonly #budgetPerSecond: number;
  #second = -1;
  #count = 0;
  #oneIn = 1;

  constructor(budgetPerSecond: number) {
    this.#budgetPerSecond = budgetPerSecond;
  }

  get oneIn(): number {
    return this.#oneIn;
  }

  /** Counts a record that arrived in this second; answers with the thinning that holds for it. */
  at(second: number): number {
    if (second !== this.#second) {
      const needed = second === this.#second + 1 ? this.#count / this.#budgetPerSecond : 1;
      this.#oneIn = needed <= 1 ? 1 : 2 ** Math.ceil(Math.log2(needed));
      this.#second = second;
      this.#count = 0;
    }
    this.#count += 1;
    // A flood within the second: twice the budget was spent at this thinning.
    if (this.#count > 2 * this.#budgetPerSecond * this.#oneIn) this.#oneIn *= 2;
    return this.#oneIn;
  }
}

export function inSample(hash: number, oneIn: number): boolean {
  return (hash & (oneIn - 1)) === 0;
}

/** Readings and predictions whose values are remembered so that they can be shown, a second. */
const shownPerSecond = 40;

/** The sample of one topic: whether a record is parsed, what it then stands for, and whether it is one of those to be shown. */
export class TopicSample {
  /** Whether the record that was weighed last is to be shown. */
  isShown = false;
  readonly #parsed: Thinning;
  readonly #shown = new Thinning(shownPerSecond);
  readonly #identity = new IdentityHash();

  constructor(parsedPerSecond: number) {
    this.#parsed = new Thinning(parsedPerSecond);
  }

  get oneIn(): number {
    return this.#parsed.oneIn;
  }

  /** For how many records this one stands, 0 where it is only counted. */
  weigh(record: { readonly key: string | null; readonly value: Uint8Array }, second: number): number {
    const parsedOneIn = this.#parsed.at(second);
    const shownOneIn = Math.max(parsedOneIn, this.#shown.at(second));
    const hash = shownOneIn === 1 ? 0 : this.#identity.of(record.key, record.value);
    this.isShown = inSample(hash, shownOneIn);
    return inSample(hash, parsedOneIn) ? parsedOneIn : 0;
  }
}
