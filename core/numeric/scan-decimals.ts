import { pageBytes } from './arena.ts';
import { copyNumbers } from './copy-numbers.ts';
import { type DecimalsKernel, instantiateDecimals, lookahead } from './decimals-kernel.ts';
import { signedPowersOfTen } from './plain-decimal-kernel.ts';

const doubleBytes = 8;
const comma = 0x2c;
/** Numbers that are read at a time. */
const valuesAtOnce = 2_048;
/** Where they stand in the memory of the kernel. */
const stopped = 0;
const powersAt = doubleBytes;
const valuesAt = powersAt + signedPowersOfTen.byteLength;
const textAt = valuesAt + valuesAtOnce * doubleBytes;
/** Bytes that are read cell by cell at the most, before plain numbers are looked for again. */
const mostReach = 4_096;
/** Bytes of memory to begin with; a long text makes more. */
const firstBytes = 4 * pageBytes;

/**
 * Reads decimals with commas between them out of UTF-8. What is empty is NaN; what is written in another way than in plain digits is
 * read as `Number` reads it.
 */
export class DecimalScanner {
  #room: ReturnType<typeof makeRoom> = makeRoom(firstBytes);

  /** So many numbers of a text; NaN where it has fewer. */
  numbers(text: string | Uint8Array, count: number): Float64Array {
    const numbers = new Float64Array(count);
    return numbers.fill(Number.NaN, this.read(typeof text === 'string' ? Buffer.from(text) : text, numbers));
  }

  /**
   * Reads one text.
   * @param most - numbers that are written at most, from `at` on; what a text has beyond them is left out
   * @returns how many were written
   */
  read(text: Uint8Array, into: Float64Array, at = 0, most = into.length - at): number {
    const end = textAt + text.length + 1;
    if (end + 2 * lookahead > this.#room.bytes.length) this.#room = makeRoom(end + 2 * lookahead);
    const { bytes, values, state, kernel } = this.#room;
    bytes.set(text, textAt);
    bytes[end - 1] = comma;
    let [from, count, reach] = [textAt, 0, 0];
    while (from < end && count < most) {
      const wanted = Math.min(valuesAtOnce, most - count);
      const read = (kernel.readDecimals(from, end, valuesAt, valuesAt + wanted * doubleBytes) - valuesAt) / doubleBytes;
      if (read > 0) copyNumbers(values.subarray(0, read), into, at + count);
      count += read;
      from = state[stopped] ?? end;
      if (read === wanted || from >= end) continue;
      // Where one cell is not plain, those behind it may be alike.
      reach = read === 0 ? Math.min(2 * reach + 64, mostReach) : 0;
      const next = bytes.indexOf(comma, Math.min(from + reach, end - 1));
      const cells = bytes.toString('utf8', from, next).split(',', most - count);
      for (const cell of cells) into[at + count++] = cell === '' ? Number.NaN : Number(cell);
      from = next + 1;
    }
    return count;
  }
}

function makeRoom(size: number) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size / pageBytes) });
  const buffer = memory.buffer as ArrayBuffer;
  new Float64Array(buffer, powersAt, signedPowersOfTen.length).set(signedPowersOfTen);
  const kernel: DecimalsKernel = instantiateDecimals(memory, { powers: powersAt, stopped });
  return {
    kernel,
    bytes: Buffer.from(buffer),
    state: new Uint32Array(buffer, 0, 2),
    values: new Float64Array(buffer, valuesAt, valuesAtOnce),
  };
}
