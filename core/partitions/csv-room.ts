import { Arena, pageBytes } from '../numeric/arena.ts';
import { threeDigits, triedPowers } from './csv-cells-kernel.ts';
import { type CsvKernel, instantiateCsv } from './csv-kernel.ts';

const tables = { digits: 0, powers: threeDigits.byteLength };
const tablesEnd = tables.powers + triedPowers.byteLength;

/** Memory in which rows of CSV are made. */
export class CsvRoom {
  readonly kernel: CsvKernel;
  readonly #memory = new WebAssembly.Memory({ initial: 1 });

  constructor() {
    this.kernel = instantiateCsv(this.#memory, tables);
    const arena = new Arena(this.#memory, 0);
    arena.take(Int32Array, threeDigits.length).set(threeDigits);
    arena.take(Float64Array, triedPowers.length).set(triedPowers);
  }

  /** Takes all arrays back. @returns where others are taken from, of so many bytes together */
  begin(bytes: number): Arena {
    const missing = tablesEnd + bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / pageBytes));
    return new Arena(this.#memory, tablesEnd);
  }
}
