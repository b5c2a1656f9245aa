import type { CsvBytes } from './csv-bytes.ts';
import type { DictionaryRoom } from './dictionary-room.ts';
import { DoubleDictionary } from './double-dictionary.ts';

/** Rows whose places are looked up at a time. */
export const rowsAtOnce = 4_096;
/** Distinct numbers of a column that are kept as text. */
const mostKept = 1 << 13;
const doubleBytes = 8;
/** The comma and the longest number, `-1.2345678901234567e-100`, have less. */
const cellDoubles = 4;
const comma = 0x2c;

/** Distinct numbers and their texts. */
interface Kept {
  readonly dictionary: DoubleDictionary;
  readonly cells: Float64Array<ArrayBuffer>;
  readonly lengths: Uint8Array;
  /** How many have a text. */
  size: number;
  /** Of the rows at hand. */
  readonly places: Uint16Array;
}

/** A number has as many digits as bring it back bit by bit, and a gap none. */
export function numberCell(value: number): string {
  if (Number.isNaN(value)) return '';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Writes the cells of one column. To make the digits of a number takes long: of numbers that come again they are kept. */
export class NumberCells {
  /** What one cell takes at most. */
  static readonly mostBytes = cellDoubles * doubleBytes;
  readonly #values: Float64Array;
  #kept: Kept | undefined;
  #from = 0;

  constructor(values: Float64Array, room: DictionaryRoom) {
    this.#values = values;
    // Of few, it takes longer to keep them.
    if (values.length < rowsAtOnce) return;
    this.#kept = {
      places: new Uint16Array(rowsAtOnce),
      dictionary: new DoubleDictionary(mostKept, room),
      cells: new Float64Array(mostKept * cellDoubles),
      lengths: new Uint8Array(mostKept),
      size: 0,
    };
  }

  /** Makes ready for the rows from here on, {@link rowsAtOnce} at most. */
  prepare(from: number, to: number): void {
    this.#from = from;
    const kept = this.#kept;
    if (!kept) return;
    const { dictionary, places, cells, lengths } = kept;
    if (!dictionary.indexesOf(this.#values.subarray(from, to), places)) {
      this.#kept = undefined;
      return;
    }
    const bytes = Buffer.from(cells.buffer);
    for (const [index, value] of dictionary.doubles.subarray(kept.size).entries()) {
      const place = kept.size + index;
      lengths[place] = bytes.write(`,${numberCell(value)}`, place * NumberCells.mostBytes, 'latin1');
    }
    kept.size = dictionary.size;
  }

  /** A comma and the number of a row, for which there is room. */
  write(row: number, out: CsvBytes): void {
    const kept = this.#kept;
    if (!kept) {
      out.byte(comma);
      const value = this.#values[row]!;
      if (!Number.isNaN(value)) out.number(value);
      return;
    }
    const { places, cells, lengths } = kept;
    const place = places[row - this.#from]!;
    const length = lengths[place]!;
    const { view } = out;
    view.setFloat64(out.length, cells[cellDoubles * place]!, true);
    view.setFloat64(out.length + doubleBytes, cells[cellDoubles * place + 1]!, true);
    if (length > 2 * doubleBytes) {
      view.setFloat64(out.length + 2 * doubleBytes, cells[cellDoubles * place + 2]!, true);
      view.setFloat64(out.length + 3 * doubleBytes, cells[cellDoubles * place + 3]!, true);
    }
    out.length += length;
  }
}
