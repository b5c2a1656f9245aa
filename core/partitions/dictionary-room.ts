import { pageBytes } from '../numeric/arena.ts';
import { instantiateDistinct, tableParts } from './distinct-kernel.ts';

/** Numbers that are looked up at a time: what they take stays in the cache. */
const numbersAtOnce = 4_096;
const doubleBytes = 8;
const indexBytes = 2;
const indexesAt = numbersAtOnce * doubleBytes;
const firstTable = indexesAt + numbersAtOnce * indexBytes;

const roundedUp = (bytes: number) => Math.ceil(bytes / doubleBytes) * doubleBytes;

/** A table of distinct numbers: where it stands. */
export interface Table {
  readonly at: number;
  readonly slotsAt: number;
  readonly mostSlots: number;
  readonly doublesAt: number;
}

/** Memory in which tables of distinct numbers stand. */
export class DictionaryRoom {
  readonly #memory = new WebAssembly.Memory({ initial: 1 });
  readonly #kernel = instantiateDistinct(this.#memory);
  #end = firstTable;
  #views = viewsOf(this.#memory);

  /** Takes all tables back. */
  reset(): void {
    this.#end = firstTable;
  }

  /** An empty table of so many numbers and slots at most. */
  table(most: number, mostSlots: number): Table {
    const at = this.#end;
    const slotsAt = at + tableParts.head;
    const doublesAt = roundedUp(slotsAt + mostSlots * indexBytes);
    this.#end = doublesAt + most * doubleBytes;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / pageBytes));
      this.#views = viewsOf(this.#memory);
    }
    return { at, slotsAt, mostSlots, doublesAt };
  }

  size({ at }: Table): number {
    return this.#views.words[(at + tableParts.size) / 4]!;
  }

  /** Forgets all numbers. From now on there are so many slots, a power of two, and room for so many numbers. */
  clear({ at, slotsAt, doublesAt }: Table, slots: number, most: number): void {
    const { words, bytes } = this.#views;
    const shift = 32 + Math.clz32(slots - 1);
    const parts = { size: 0, most, mask: slots - 1, shift, slots: slotsAt, doubles: doublesAt };
    for (const name of Object.keys(parts) as (keyof typeof parts)[]) words[(at + tableParts[name]) / 4] = parts[name];
    bytes.fill(0, slotsAt, slotsAt + slots * indexBytes);
  }

  /** The numbers of a table; valid until the next change. */
  doubles(table: Table): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#views.bytes.buffer, table.doublesAt, this.size(table));
  }

  /**
   * Writes the place of each number, and takes up those that are new.
   * @returns how many were found before the table was full
   */
  find(table: Table, numbers: Float64Array, into: Uint16Array, from: number, to: number): number {
    const { values, indexes } = this.#views;
    for (let at = from; at < to; at += numbersAtOnce) {
      const count = Math.min(numbersAtOnce, to - at);
      values.set(numbers.subarray(at, at + count));
      const found = this.#kernel.findDistinct(0, count * doubleBytes, indexesAt, table.at) / doubleBytes;
      into.set(found === numbersAtOnce ? indexes : indexes.subarray(0, found), at);
      if (found < count) return at + found;
    }
    return to;
  }
}

function viewsOf(memory: WebAssembly.Memory) {
  const buffer = memory.buffer as ArrayBuffer;
  return {
    bytes: new Uint8Array(buffer),
    words: new Uint32Array(buffer),
    values: new Float64Array(buffer, 0, numbersAtOnce),
    indexes: new Uint16Array(buffer, indexesAt, numbersAtOnce),
  };
}
