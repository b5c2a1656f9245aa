import { csvCell } from '../dataset/csv-writer.ts';
import { bytesOf } from '../numeric/arena.ts';
import { copyNumbers } from '../numeric/copy-numbers.ts';
import { viewOf } from '../wire/words.ts';
import { cellBytes } from './csv-cells-kernel.ts';
import { copiedAtOnce, headBytes, headParts } from './csv-kernel.ts';
import { NumberCells, numbersAtOnce } from './csv-numbers.ts';
import type { CsvRoom } from './csv-room.ts';
import type { DictionaryRoom } from './dictionary-room.ts';
import { dayName, dayNs, dayOf } from './names.ts';
import type { ObjectRows } from './rows.ts';

/** What rows that are made together take at the most, unless it is one: it stays in the cache. */
const blockBytes = 1 << 17;
/** What stands before the decimals of a time, and the most that stands behind it. */
const secondsChars = 'yyyy-mm-ddThh:mm:ss'.length;
const decimalsChars = '.123456789Z'.length;
const secondNs = 1_000_000_000n;

/** Rows of one table as CSV, many at a time. */
export class CsvBlock {
  /** How many are made at a time: a power of two. */
  readonly rows: number;
  readonly #of: ObjectRows;
  readonly #room: CsvRoom;
  readonly #device: string;
  readonly #parts: ReturnType<typeof takeParts>;
  readonly #numbers: readonly NumberCells[];

  constructor(of: ObjectRows, room: CsvRoom, dictionaries: DictionaryRoom) {
    const { device, values, count } = of;
    this.#of = of;
    this.#room = room;
    this.#device = `${csvCell(device)},`;
    const tails = tailsOf(of);
    const prefixBytes = Buffer.byteLength(this.#device) + secondsChars;
    const mostTail = tails.reduce((most, { length }) => Math.max(most, length), 0);
    const rowBytes = prefixBytes + decimalsChars + values.length * cellBytes + mostTail;
    this.rows = 2 ** Math.floor(Math.log2(Math.min(numbersAtOnce, Math.max(1, blockBytes / rowBytes))));
    const cells = NumberCells.mostCells(count, this.rows);
    this.#parts = takeParts(room, { rows: this.rows, rowBytes, prefixBytes, tails, columns: values.length, cells });
    const { ownPlaces, numbers, columns } = this.#parts;
    ownPlaces.forEach((_, row) => {
      ownPlaces[row] = row;
    });
    this.#numbers = columns.map((arrays, at) => {
      const column = values[at] ?? new Float64Array(count);
      return new NumberCells(column, { ...arrays, ownPlaces, numbers, kernel: room.kernel }, dictionaries);
    });
    this.#beginDay(of.times[0] ?? 0n);
  }

  /** The next rows from one on; those before were made. @returns bytes that are valid until the next call */
  make(from: number): Uint8Array {
    const { times, truth, ends, count } = this.#of;
    const to = Math.min(count, from + this.rows);
    const { head, into, list, ...parts } = this.#parts;
    copyNumbers(times.subarray(from, to), parts.times);
    copyNumbers(truth.subarray(from, to), parts.truth);
    copyNumbers(ends.subarray(from, to), parts.ends);
    for (const [at, column] of this.#numbers.entries()) list[2 * at] = column.prepare(from, to);
    let end = into.byteOffset;
    for (let row = 0; row < to - from; ) {
      end = this.#room.kernel.writeRows(head.byteOffset, row, to - from, end);
      row = head.getInt32(headParts.stopped, true);
      if (row < to - from) this.#beginDay(times[from + row] ?? 0n);
    }
    return into.subarray(0, end - into.byteOffset);
  }

  /** The time of day is not known yet. */
  #beginDay(time: bigint): void {
    const { head, prefix } = this.#parts;
    const day = dayOf(time);
    prefix.set(Buffer.from(`${this.#device}${dayName(day)}T`));
    head.setBigInt64(headParts.day, day * dayNs, true);
    head.setBigInt64(headParts.second, day * dayNs - secondNs, true);
  }
}

/** Behind the numbers, by truth, of which -1 is none: within a segment, and at the end of one. */
function tailsOf({ truths }: ObjectRows): Buffer[] {
  return [undefined, ...truths].flatMap((known) => {
    const cell = known === undefined ? '' : csvCell(known);
    return [Buffer.from(`,${cell},\n`), Buffer.from(`,${cell},true\n`)];
  });
}

interface Sizes {
  readonly rows: number;
  readonly rowBytes: number;
  readonly prefixBytes: number;
  readonly tails: readonly Buffer[];
  readonly columns: number;
  /** Of each column. */
  readonly cells: number;
}

/** The arrays of a block, where the kernel finds them. */
function takeParts(room: CsvRoom, { rows, rowBytes, prefixBytes, tails, columns, cells }: Sizes) {
  const tailsBytes = tails.reduce((sum, { length }) => sum + length, 0);
  const perColumn = bytesOf([Uint16Array, numbersAtOnce], [Uint8Array, cells * cellBytes]);
  const fixed = bytesOf(
    [Uint8Array, headBytes],
    [BigInt64Array, rows],
    [Int32Array, rows],
    [Uint8Array, rows],
    [Uint16Array, rows],
    [Float64Array, numbersAtOnce],
    [Int32Array, 2 * columns],
    [Int32Array, 2 * tails.length],
    [Uint8Array, tailsBytes],
    [Uint8Array, prefixBytes],
    [Uint8Array, rows * rowBytes + 2 * copiedAtOnce],
  );
  const arena = room.begin(fixed + columns * perColumn);
  const bytesFor = (length: number) => arena.take(Uint8Array, length);
  const parts = {
    head: viewOf(bytesFor(headBytes)),
    times: arena.take(BigInt64Array, rows),
    truth: arena.take(Int32Array, rows),
    ends: bytesFor(rows),
    ownPlaces: arena.take(Uint16Array, rows),
    numbers: arena.take(Float64Array, numbersAtOnce),
    list: arena.take(Int32Array, 2 * columns),
    tailList: arena.take(Int32Array, 2 * tails.length),
    tailTexts: bytesFor(tailsBytes),
    prefix: bytesFor(prefixBytes),
    into: bytesFor(rows * rowBytes + 2 * copiedAtOnce),
    columns: Array.from({ length: columns }, () => ({
      places: arena.take(Uint16Array, numbersAtOnce),
      cells: bytesFor(cells * cellBytes),
    })),
  };
  const { head, list, tailList, tailTexts, prefix } = parts;
  for (const [at, { cells: texts }] of parts.columns.entries()) list[2 * at + 1] = texts.byteOffset;
  let tailAt = 0;
  for (const [at, tail] of tails.entries()) {
    tailTexts.set(tail, tailAt);
    tailList[2 * at] = tailTexts.byteOffset + tailAt;
    tailAt += tail.length;
    tailList[2 * at + 1] = tailTexts.byteOffset + tailAt;
  }
  const addresses = {
    times: parts.times.byteOffset,
    truth: parts.truth.byteOffset,
    ends: parts.ends.byteOffset,
    columns: list.byteOffset,
    columnsEnd: list.byteOffset + list.byteLength,
    tails: tailList.byteOffset,
    prefix: prefix.byteOffset,
    prefixEnd: prefix.byteOffset + prefix.length,
  };
  for (const name of Object.keys(addresses) as (keyof typeof addresses)[])
    head.setInt32(headParts[name], addresses[name], true);
  return parts;
}
