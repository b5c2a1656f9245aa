import { copyNumbers } from '../numeric/copy-numbers.ts';
import { cellBytes, cellLengthAt } from './csv-cells-kernel.ts';
import type { CsvKernel } from './csv-kernel.ts';
import type { DictionaryRoom } from './dictionary-room.ts';
import { DoubleDictionary } from './double-dictionary.ts';

/** Numbers that are looked up at a time. */
export const numbersAtOnce = 4_096;
/** Distinct numbers of a column that are kept as text. */
const mostKept = 1 << 13;

/** What {@link NumberCells} works with, in the memory of its kernel. */
export interface CellParts {
  /** Of {@link numbersAtOnce} rows, where each one's cell stands. */
  readonly places: Uint16Array;
  readonly cells: Uint8Array;
  /** Places where each row has a cell of its own. */
  readonly ownPlaces: Uint16Array;
  /** For numbers whose cells are made. */
  readonly numbers: Float64Array;
  readonly kernel: CsvKernel;
}

/** Makes the cells of one column. To make the digits of a number takes long: of numbers that come again they are kept. */
export class NumberCells {
  readonly #values: Float64Array;
  readonly #parts: CellParts;
  readonly #texts: Buffer;
  /** Distinct numbers whose cells are kept, so many by now. */
  #dictionary: DoubleDictionary | undefined;
  #kept = 0;

  constructor(values: Float64Array, parts: CellParts, room: DictionaryRoom) {
    this.#values = values;
    this.#parts = parts;
    const { buffer, byteOffset, length } = parts.cells;
    this.#texts = Buffer.from(buffer, byteOffset, length);
    if (isLong(values.length)) this.#dictionary = new DoubleDictionary(mostKept, room);
  }

  /** How many cells a column needs at the most, where so many rows are made at once. */
  static mostCells(count: number, rows: number): number {
    return isLong(count) ? mostKept : rows;
  }

  /**
   * Makes the cells of rows, from a multiple of as many on.
   * @returns the address of the first row's place
   */
  prepare(from: number, to: number): number {
    const { places, ownPlaces } = this.#parts;
    const at = from % numbersAtOnce;
    if (this.#dictionary && at === 0) this.#lookUp(this.#dictionary, from);
    if (this.#dictionary) return places.byteOffset + at * places.BYTES_PER_ELEMENT;
    this.#write(this.#values.subarray(from, to), 0);
    return ownPlaces.byteOffset;
  }

  #lookUp(dictionary: DoubleDictionary, from: number): void {
    if (!dictionary.indexesOf(this.#values.subarray(from, from + numbersAtOnce), this.#parts.places)) {
      this.#dictionary = undefined;
      return;
    }
    this.#write(dictionary.doubles.subarray(this.#kept), this.#kept);
    this.#kept = dictionary.size;
  }

  /** Writes the cells of numbers, from one cell on. */
  #write(values: Float64Array, first: number): void {
    const { numbers, cells, kernel } = this.#parts;
    for (let from = 0; from < values.length; from += numbersAtOnce) {
      const some = values.subarray(from, from + numbersAtOnce);
      copyNumbers(some, numbers);
      const start = (first + from) * cellBytes;
      kernel.writeCells(numbers.byteOffset, numbers.byteOffset + some.byteLength, cells.byteOffset + start);
      for (let index = 0; index < some.length; index += 1) {
        const cell = start + index * cellBytes;
        if (cells[cell + cellLengthAt] !== 0) continue;
        cells[cell + cellLengthAt] = this.#texts.write(`,${some[index]!}`, cell, 'latin1');
      }
    }
  }
}

/** Of few numbers, it takes longer to look them up. */
const isLong = (count: number): boolean => count >= numbersAtOnce;
