import { DictionaryRoom, type Table } from './dictionary-room.ts';

const firstSlots = 1 << 13;
/** Few that share a place make it fast. */
const roomPerNumber = 2;
/** Places have 16 bits. */
const mostPlaces = 1 << 15;
/** After so many numbers it is known whether they come again. */
const probed = 4_096;
const mostDistinctProbed = 0.85 * probed;

/** Numbers by the order of first sight. Samples have few distinct ones: as many as the converter has steps. */
export class DoubleDictionary {
  readonly #room: DictionaryRoom;
  readonly #table: Table;
  readonly #most: number;
  #slots = firstSlots;

  /** @param most - numbers that it takes up, a power of two: with many, it gains little */
  constructor(most = mostPlaces, room = new DictionaryRoom()) {
    this.#most = most;
    this.#room = room;
    this.#table = room.table(most, Math.max(firstSlots, most * roomPerNumber));
    this.clear();
  }

  get size(): number {
    return this.#room.size(this.#table);
  }

  /** The numbers; valid until the next change. */
  get doubles(): Float64Array<ArrayBuffer> {
    return this.#room.doubles(this.#table);
  }

  clear(): void {
    this.#room.clear(this.#table, this.#slots, Math.min(this.#most, this.#slots / roomPerNumber));
  }

  /**
   * Writes where each number is, and takes up those that are new.
   * @returns false where too many differ: what it holds is of no use then
   */
  indexesOf(values: Float64Array, into: Uint16Array): boolean {
    const before = this.size;
    const first = Math.min(values.length, probed);
    if (!this.#indexFrom(values, into, 0, first)) return false;
    if (this.size - before > mostDistinctProbed) return false;
    return this.#indexFrom(values, into, first, values.length);
  }

  #indexFrom(values: Float64Array, into: Uint16Array, from: number, to: number): boolean {
    for (let at = from; ; ) {
      at = this.#room.find(this.#table, values, into, at, to);
      if (at === to) return true;
      if (this.size === this.#most) return false;
      this.#grow();
    }
  }

  /** Twice as many slots, so that half of them stay free. */
  #grow(): void {
    const numbers = this.doubles.slice();
    this.#slots *= 2;
    this.clear();
    this.#room.find(this.#table, numbers, new Uint16Array(numbers.length), 0, numbers.length);
  }
}
